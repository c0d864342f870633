/**
 * Every bound of this package, real and simulated, by name. The simulated ones copy what Linux and Node do,
 * so that a bound that is met in the simulator is met in production too.
 */

/** `Connection.write` answers false from here on (per connection, bytes not yet in the kernel). */
export const CONNECTION_HIGH_WATER_BYTES = 256 * 1024;
/** An idle connection is probed from here on; libuv probes ten times, a second apart. */
export const KEEP_ALIVE_IDLE_MS = 30_000;
export const KEEP_ALIVE_PROBES_MS = 10_000;
/** Node's timers overflow beyond this; longer ones are armed in pieces. */
export const TIMER_PIECE_MS = 2 ** 31 - 1;
/** `Memory` hands out again what is at least this large (smaller is cheaper to make), and at most so large. */
export const MEMORY_LEAST_BYTES = 16_384;
export const MEMORY_LARGEST_BYTES = 4_194_304;
/** What `Memory` keeps for the next who ask; beyond it the collector takes it. */
export const MEMORY_IDLE_BYTES = 33_554_432;
/** What all connections of a process receive into, one after the other. */
export const RECEIVE_BYTES = 262_144;
/** Zstandard: so many at once in Node's four threads, the rest is for files; what is moved to and from a thread at once. */
export const ZSTD_AT_ONCE = 2;
export const ZSTD_PIECE_BYTES = 1_048_576;
/** Largest window that a frame may ask for: 8 MiB, what every decoder must support (RFC 8878). */
export const ZSTD_MAX_WINDOW_LOG = 23;
/** How often in one turn what is deferred runs: once, and what that has deferred. */
export const DEFER_ROUNDS = 2;
/** Rounds in which a lock may lose the race for a dead process's place before it gives up. */
export const LOCK_ATTEMPTS = 10;
/** A pipe's readers are searched for so often; when none has been seen by then, none is looked for any more. */
export const READER_SEARCHES = 4;

/** Simulated: bytes that one direction of a connection holds in kernels and on the wire. */
export const SIM_WINDOW_BYTES = 256 * 1024;
/** Simulated: the largest chunk that a reader is handed at once, as libuv's read buffer. */
export const SIM_CHUNK_BYTES = 64 * 1024;
/** Simulated: what memory, and a chunk that was received, are overwritten with when they are given back. */
export const SIM_POISON = 0xdb;
/** Simulated: a lost SYN is sent again after this, then after twice that, and so on. */
export const SIM_SYN_RETRY_MS = 1_000;
/** Simulated: retransmission gives up on unacknowledged bytes (Linux, tcp_retries2 = 15). */
export const SIM_RETRANSMIT_LIMIT_MS = 924_000;
/** Simulated: the longest wait of a retransmission after a link has healed. */
export const SIM_RETRANSMIT_WAIT_MS = 10_000;
/** Simulated: the granularity at which a torn write tears. */
export const SIM_SECTOR_BYTES = 512;
/** Simulated: unsynced operations per file; beyond it the oldest half is written back, as a kernel does. */
export const SIM_DIRTY_OPERATIONS = 8_192;
/** Simulated: size of a disk that was not told another one. */
export const SIM_DISK_BYTES = 2 ** 40;
/** Simulated: events in one instant; beyond it something spins without letting time pass. */
export const SIM_EVENTS_PER_INSTANT = 1_000_000;
/** Simulated: one event and its microtasks per immediate; so many immediates are queued at once. */
export const SIM_IMMEDIATES_PER_ROUND = 64;
/** Simulated: first port that is handed out for port 0 and for outgoing connections. */
export const SIM_FIRST_EPHEMERAL_PORT = 32_768;
/** Simulated: how fast a thread makes or reads zstd frames. */
export const SIM_ZSTD_BYTES_PER_MS = 300_000;
