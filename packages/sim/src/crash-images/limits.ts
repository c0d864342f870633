/** Every bound of the crash images. */
export const LIMITS = {
  /** Images of one scene: so many moments, each with so many ways to crash. */
  moments: 4,
  crashesPerMoment: 6,
  lives: 3,
  stepsPerLife: [5, 45] as const,
  /** Violations that are printed with their stack. */
  maxPrinted: 20,
} as const;

export const IMAGES_PER_SCENE = LIMITS.moments * LIMITS.crashesPerMoment;
