import { defineConfig } from 'vitest/config';

// One config for the root and every workspace: `--root .` of a workspace narrows it to its own tests.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', '*.test.ts', 'scripts/**/*.test.ts', 'e2e/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
