/**
 * Questions of many that are asked in one turn, put to a region together: 2,000 partitions that begin are a few requests
 * and not thousands. Invariant: each question has its own answer, or the reason why there is none.
 */

interface Asked<Q, R> {
  readonly question: Q;
  readonly resolve: (answer: R) => void;
  readonly reject: (error: unknown) => void;
}

export class Batched<Q, R> {
  private readonly askAll: (questions: readonly Q[]) => Promise<readonly R[]>;
  private readonly most: number;
  private asked: Asked<Q, R>[] = [];

  /** `askAll` answers in the order of the questions; `most` of them at a time. */
  constructor(most: number, askAll: (questions: readonly Q[]) => Promise<readonly R[]>) {
    this.most = most;
    this.askAll = askAll;
  }

  ask(question: Q): Promise<R> {
    return new Promise((resolve, reject) => {
      this.asked.push({ question, resolve, reject });
      if (this.asked.length === 1) void Promise.resolve().then(() => this.flush());
    });
  }

  private flush(): void {
    const all = this.asked;
    this.asked = [];
    for (let at = 0; at < all.length; at += this.most) void this.put(all.slice(at, at + this.most));
  }

  private async put(asked: readonly Asked<Q, R>[]): Promise<void> {
    try {
      const answers = await this.askAll(asked.map(({ question }) => question));
      for (const [index, { resolve }] of asked.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
