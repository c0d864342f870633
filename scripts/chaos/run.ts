/** `npm run chaos`: three brokers (`main.ts`), or with `mirror` as the first word two regions and the mirror between them. */
const isMirror = process.argv[2] === 'mirror';
if (isMirror) process.argv.splice(2, 1);
await (isMirror ? import('./mirror/main.ts') : import('./main.ts'));
