/** I13: whatever its peers and clients do, a node's sockets and what they have queued stay within bounds. */
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';

export function bounded(name: string, sockets: { connections: number; queuedBytes: number }): string[] {
  const { connections, queuedBytes } = sockets;
  const wrong: string[] = [];
  if (connections > LIMITS.maxConnections) wrong.push(`${name} has ${connections} connections`);
  if (queuedBytes > LIMITS.maxQueuedBytes) wrong.push(`${name} has ${queuedBytes} bytes queued`);
  return wrong;
}
