/**
 * The campaign of crash images: scenes, their moments, and every image of them. Called by `main.ts` and by tests.
 * Invariant: an image is known by its number alone; with it, the same image is made and checked the same way.
 */
import { createSeededRandom, createSimWorld } from '@meridian/io/sim';
import { checkImage } from './check-image.ts';
import { makeImage } from './image-kinds.ts';
import { IMAGES_PER_SCENE, LIMITS } from './limits.ts';
import { playScene, type Scene } from './log-scene.ts';

export interface ImageReport {
  readonly number: number;
  readonly kind: string;
  /** Partitions that were refused as damaged. */
  readonly refused: number;
  readonly failure: Error | undefined;
}

/** Images `from`, `from + 1`, … */
export async function* crashImages(from: number, count: number): AsyncGenerator<ImageReport> {
  let scene: Scene | Error | undefined;
  let sceneSeed = -1;
  for (let number = from; number < from + count; number++) {
    const seed = Math.floor(number / IMAGES_PER_SCENE);
    if (seed !== sceneSeed) scene = await playScene(seed).catch((error: Error) => error);
    sceneSeed = seed;
    if (scene instanceof Error) yield { number, kind: 'scene', refused: 0, failure: scene };
    else yield await checkOne(scene!, number);
  }
}

async function checkOne({ config, moments }: Scene, number: number): Promise<ImageReport> {
  const place = number % IMAGES_PER_SCENE;
  const moment = moments[Math.floor(place / LIMITS.crashesPerMoment) % moments.length]!;
  const random = createSeededRandom(number, 'crash image');
  const world = createSimWorld({ seed: number });
  const node = world.node('broker');
  const { kind, lost } = makeImage(node, moment.disk, place, random, moment.lied);
  try {
    const refused = await checkImage({ world, node, config, partitions: moment.partitions, lost, random });
    return { number, kind, refused, failure: undefined };
  } catch (error) {
    return { number, kind, refused: 0, failure: error as Error };
  }
}
