/**
 * docs/errors.md as text: every package's table of errors, the gateway's codes and close codes. `npm run docs` writes it;
 * the test beside this file fails when the document and the tables disagree.
 */
import { join } from 'node:path';
import { CLOSE_CODES, ERROR_CODES } from '../../packages/sdk/src/frames.ts';
import { ROOT, trackedFiles } from '../tidy/source-files.ts';

const INTRODUCTION = `# Errors

Three kinds. What a Kafka client does wrong is a Kafka error code in the response. What an application does wrong at the
gateway is a code in an \`error\` frame or a problem document. What fails in the world around a process is a coded error
in its log, and ends the process if it cannot go on; the text says what can be done. This page is written from the
tables in the source by \`npm run docs\`.
`;

export async function errorsDocument(): Promise<string> {
  const sections = [INTRODUCTION, gatewayCodes(), closeCodes()];
  for (const path of trackedFiles().filter((file) => /^(apps|packages)\/.*\/errors\.ts$/.test(file))) {
    const exported = (await import(join(ROOT, path))) as Record<string, unknown>;
    for (const [name, table] of Object.entries(exported))
      if (name.endsWith('_ERRORS')) sections.push(tableOf(path, table as Record<string, string>));
  }
  return `${sections.join('\n')}`;
}

function gatewayCodes(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, retryable, meaning }]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${meaning} |`,
  );
  return `## At the gateway\n\n| code | HTTP status | retryable | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function closeCodes(): string {
  const rows = Object.entries(CLOSE_CODES).map(([name, code]) => `| ${code} | ${name} |`);
  return `## WebSocket close codes\n\n| code | name |\n|---|---|\n${rows.join('\n')}\n`;
}

function tableOf(path: string, table: Record<string, string>): string {
  const rows = Object.entries(table).map(([code, text]) => `| \`${code}\` | ${text.replaceAll('|', '\\|')} |`);
  const part = path.replace(/\/src\/(.*\/)?errors\.ts$/, (_, folder) => (folder ? ` (${folder.slice(0, -1)})` : ''));
  return `## ${part}\n\n| code | meaning, and what to do |\n|---|---|\n${rows.join('\n')}\n`;
}
