/**
 * A produce that is refused: Kafka's error code, the message for people, and the record at fault where one is known.
 * Thrown by the checks of this folder and caught by the partition, which turns it into the answer.
 */
export class ProduceRefusal extends Error {
  readonly errorCode: number;
  constructor(errorCode: number, message: string) {
    super(message);
    this.name = 'ProduceRefusal';
    this.errorCode = errorCode;
  }
}
