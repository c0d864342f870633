/** Every bound of the crash images. */
export const LIMITS = {
  /** Images of one scene: so many moments, each with so many ways to crash. */
  moments: 4,
  crashesPerMoment: 6,
  /** Lives of the broker in one scene, at most, and what it does in each. */
  lives: 3,
  stepsPerLife: [5, 45] as const,
  /** Violations that are printed; of more, only how many they are. */
  maxPrinted: 20,
} as const;

export const IMAGES_PER_SCENE = LIMITS.moments * LIMITS.crashesPerMoment;
