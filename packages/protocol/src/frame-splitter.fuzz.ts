/**
 * Fuzzing of the frame splitter: `npm run fuzz -- frame-splitter`. The first byte sets the size of the chunks. Whatever the
 * cut, frames and errors must be those of the uncut stream, and no more may be held than has come.
 */
import { ProtocolError } from './errors.ts';
import { createFrameSplitter } from './frame-splitter.ts';

const MAX_FRAME_BYTES = 512;

export function corpus(): Buffer[] {
  const frames = [0, 1, 3, 100, MAX_FRAME_BYTES].map((size) => {
    const frame = Buffer.alloc(4 + size, size);
    frame.writeInt32BE(size);
    return frame;
  });
  return [1, 2, 5, 64, 255].map((chunkBytes) => Buffer.concat([Buffer.from([chunkBytes]), ...frames]));
}

export function fuzz(input: Buffer): void {
  const stream = input.subarray(1);
  const whole = split(stream, Math.max(1, stream.length));
  const pieces = split(stream, Math.max(1, input[0] ?? 1));
  if (whole !== pieces) throw new Error(`a cut of ${input[0]} bytes changes the frames:\n${whole}\n${pieces}`);
}

/** The frames, and the error at the end if there is one, as text. */
function split(stream: Buffer, chunkBytes: number): string {
  const seen: string[] = [];
  const splitter = createFrameSplitter({
    maxFrameBytes: MAX_FRAME_BYTES,
    onFrame: (frame) => seen.push(frame.toString('hex')),
  });
  try {
    for (let at = 0; at < stream.length; at += chunkBytes) splitter.push(stream.subarray(at, at + chunkBytes));
    if (splitter.heldBytes > stream.length) throw new Error(`holds ${splitter.heldBytes} of ${stream.length} bytes`);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    seen.push(error.code);
  }
  return seen.join('\n');
}
