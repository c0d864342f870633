/** Runs crash images and tells what came of them, for `npm run sim -- --crash-images N`. */
import { crashImages } from './crash-images.ts';
import { LIMITS } from './limits.ts';

/** Whether every image passed. Prints kinds, counted, and each failure with how to see it again. */
export async function campaign(from: number, count: number, print: (line: string) => void): Promise<boolean> {
  const kinds = new Map<string, number>();
  let refused = 0;
  let failed = 0;
  for await (const report of crashImages(from, count)) {
    kinds.set(report.kind, (kinds.get(report.kind) ?? 0) + 1);
    refused += report.refused;
    if (report.failure === undefined) continue;
    failed += 1;
    if (failed > LIMITS.maxPrinted) continue;
    print(`image ${report.number} (${report.kind}) VIOLATION ${report.failure.message}`);
    print(`  again with: npm run sim -- --crash-images 1 --seed ${report.number}`);
    if (count === 1) print(String(report.failure.stack));
  }
  const counted = [...kinds].sort().map(([kind, times]) => `${kind} ${times}`);
  print(`${count} crash images: ${counted.join(', ')}; ${refused} partitions refused as damaged`);
  print(`${count - failed} passed, ${failed} failed`);
  return failed === 0;
}
