/**
 * A simulated machine: a disk, a clock and a network address that outlive the processes on it, one at a time.
 * Tests and fault schedules hold it; `boot` hands out the `Io` of a new process.
 * Invariant: whatever is drawn for a machine comes from a stream of its own, labelled with its name.
 */
import type { Clock, Io, Random } from '../io.ts';
import { SIM_POISON } from '../limits.ts';
import { createMemory } from '../memory.ts';
import { DiskFaults, type DiskOperation } from './disk/disk-faults.ts';
import { FileContent } from './disk/file-content.ts';
import { type LossRule, scattered, type UnsyncedOperation } from './disk/power-loss.ts';
import { type Machine, SimDisk } from './disk/sim-disk.ts';
import { Volume } from './disk/volume.ts';
import type { Network } from './net/network.ts';
import type { Station } from './net/route.ts';
import { SimNet } from './net/sim-net.ts';
import type { Schedule } from './schedule.ts';
import { between, createSeededRandom } from './seeded-random.ts';
import { type ProcessHost, SimProcess } from './sim-process.ts';
import { createSimZstd } from './sim-zstd.ts';
import type { Trace } from './trace.ts';

export interface SimNode {
  readonly name: string;
  readonly host: string;
  /** Whether a process runs. */
  readonly alive: boolean;
  /** Starts a process, with power if there was none; one that still ran is killed first. */
  boot(): Io;
  /** The process dies: timers gone, sockets ended or reset; the page cache stays. */
  kill(): void;
  /** The machine dies: what was not synced is kept, lost or torn, peers hear nothing, and it is off until `boot`. */
  powerLoss(): void;
  /** The process does not run for so long, and does not notice. */
  stall(durationMs: number): void;
  /** The wall clock is so much ahead of the world's. */
  setClockOffset(offsetMs: number): void;
  /** From the next boot on its clocks gain so many millionths (or lose them), and its timers with them. */
  setClockDrift(ppm: number): void;
  /** No byte is free, until set back. */
  setFull(full: boolean): void;
  setFreeBytes(bytes: number): void;
  /** The next so many file syncs fail, and with them the writes that they stood for. */
  failNextSync(times?: number): void;
  failNextWrite(times?: number): void;
  failNextRead(times?: number): void;
  /** The device that is mounted there gives and takes nothing, until set back. */
  setFolderFailed(path: string, failed: boolean): void;
  /** The same for one that has no room left. */
  setFolderFull(path: string, full: boolean): void;
  setSyncLatency(latencyMs: readonly [min: number, max: number]): void;
  /** Each read and sync takes so long, and the blocking ones hold the process up; until set back. */
  setSlow(latencyMs: readonly [min: number, max: number] | undefined): void;
  /** A new, empty disk is put in: the process dies, and whatever was on the old one is gone. */
  wipe(): void;
  /** Connections of its process that are open, and the bytes that they have queued. */
  sockets(): { readonly connections: number; readonly queuedBytes: number };
  /** Bit rot: turns the lowest bit of one byte of a file over. */
  flipBit(path: string, position: number): void;
  /** A sector that reads as zeros, or as what it held before it was last written to. */
  spoilSector(path: string, sector: number, how: 'zero' | 'stale'): void;
  /** Syncs answer without doing anything, until set back: what they should have kept is lost with the power. */
  setSyncsLie(lie: boolean): void;
  /** Called before each change or sync of the disk, for whoever takes images. */
  onDiskChange: () => void;
  diskImage(): DiskImage;
  /** Puts in a disk as it was then: after a loss of power by the rule, or, without one, after the death of the process. */
  loadDisk(image: DiskImage, loss?: LossRule): void;
}

/** A disk as it was at some moment, with what was not synced then. */
export interface DiskImage {
  /** In the order in which it was done. */
  readonly unsynced: readonly UnsyncedOperation[];
}

/** What a machine has of the world. */
export interface Surroundings {
  readonly seed: number;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly network: Network;
  /** Milliseconds since the epoch at virtual time 0. */
  readonly epochMs: number;
}

/** Monotonic clocks of different machines differ by up to so much: their readings must not be compared. */
const MAX_UPTIME_MS = 1_000_000;

export class SimMachine implements SimNode, Station, ProcessHost, Machine {
  readonly name: string;
  readonly host: string;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly random: Random;
  volume = new Volume();
  readonly faults = new DiskFaults();
  readonly locks = new Map<string, SimProcess>();
  powered = true;
  onDiskChange: () => void = () => {};
  stalledUntilMs = 0;
  readonly #world: Surroundings;
  readonly #uptimeMs: number;
  #clockOffsetMs = 0;
  #clockRate = 1;
  #nextClockRate = 1;
  /** Where its clocks were, and the world's, when the rate changed last. */
  #ratedFromMs = { own: 0, world: 0 };
  #boots = 0;
  #process: SimProcess | undefined;

  constructor(world: Surroundings, name: string, host: string) {
    this.#world = world;
    this.name = name;
    this.host = host;
    this.schedule = world.schedule;
    this.trace = world.trace;
    this.random = createSeededRandom(world.seed, `machine ${name}`);
    this.#uptimeMs = Math.floor(this.random.next() * MAX_UPTIME_MS);
    world.network.add(this);
  }

  get alive(): boolean {
    return this.#process?.alive ?? false;
  }

  boot(): Io {
    this.kill();
    const random = createSeededRandom(this.#world.seed, `process ${this.name} ${this.#boots++}`);
    this.#ratedFromMs = { own: this.#ownMs(), world: this.schedule.now() };
    this.#clockRate = this.#nextClockRate;
    const process = new SimProcess(this, random, this.#clockRate);
    this.#process = process;
    this.trace.add(`${this.name} boot`);
    if (!this.powered) {
      this.powered = true;
      this.#world.network.changed();
    }
    const clock: Clock = { now: () => this.wallClock(), monotonic: () => this.#ownMs() + this.#uptimeMs };
    const net = new SimNet(this.#world.network, this, process);
    const memory = createMemory({ timers: process.timers, leastBytes: 1, poison: SIM_POISON });
    const [disk, zstd] = [new SimDisk(this, process), createSimZstd(process)];
    return { clock, timers: process.timers, random, disk, net, memory, zstd };
  }

  kill(): void {
    if (this.alive) this.#die('kill');
  }

  powerLoss(): void {
    this.powered = false;
    if (this.alive) this.#die('power loss');
    this.faults.usedBytes = this.volume.powerLoss(scattered(this.random));
    this.#world.network.changed();
  }

  changing(): void {
    this.onDiskChange();
  }

  diskImage(): DiskImage {
    return new VolumeImage(this.volume.copy());
  }

  loadDisk(image: DiskImage, loss?: LossRule): void {
    if (this.alive) this.#die('disk replaced');
    this.volume = (image as VolumeImage).volume.copy();
    this.faults.usedBytes = loss === undefined ? this.volume.usedBytes() : this.volume.powerLoss(loss);
  }

  stall(durationMs: number): void {
    this.trace.add(`${this.name} stall ${durationMs}`);
    this.stalledUntilMs = Math.max(this.stalledUntilMs, this.schedule.now() + durationMs);
  }

  setClockOffset(offsetMs: number): void {
    this.#clockOffsetMs = Math.floor(offsetMs);
  }

  wallClock(): number {
    return this.#world.epochMs + Math.floor(this.#ownMs()) + this.#clockOffsetMs;
  }

  setClockDrift(ppm: number): void {
    this.#nextClockRate = 1 + ppm / 1_000_000;
  }

  /** Milliseconds since the world began, as this machine counts them. */
  #ownMs(): number {
    const { own, world } = this.#ratedFromMs;
    return own + (this.schedule.now() - world) * this.#clockRate;
  }

  setFull(full: boolean): void {
    if (full) this.setFreeBytes(0);
    else this.faults.capacityBytes = new DiskFaults().capacityBytes;
  }

  setFreeBytes(bytes: number): void {
    this.faults.capacityBytes = this.faults.usedBytes + bytes;
  }

  failNextSync(times = 1): void {
    this.#failNext('sync', times);
  }

  failNextWrite(times = 1): void {
    this.#failNext('write', times);
  }

  failNextRead(times = 1): void {
    this.#failNext('read', times);
  }

  setFolderFailed(path: string, failed: boolean): void {
    this.faults.failedFolders[failed ? 'add' : 'delete'](path);
  }

  setFolderFull(path: string, full: boolean): void {
    this.faults.fullFolders[full ? 'add' : 'delete'](path);
  }

  setSyncLatency(latencyMs: readonly [number, number]): void {
    this.faults.syncLatencyMs = latencyMs;
  }

  setSlow(latencyMs: readonly [number, number] | undefined): void {
    this.faults.slowMs = latencyMs;
  }

  /** A blocking call to a slow disk: nothing else runs meanwhile. */
  blocks(): void {
    if (this.faults.slowMs !== undefined) this.stall(between(this.random, this.faults.slowMs));
  }

  wipe(): void {
    if (this.alive) this.#die('disk wiped');
    this.trace.add(`${this.name} wiped`);
    this.volume = new Volume();
    this.faults.usedBytes = 0;
  }

  sockets(): { connections: number; queuedBytes: number } {
    return this.#process === undefined
      ? { connections: 0, queuedBytes: 0 }
      : this.#world.network.socketsOf(this.#process);
  }

  setSyncsLie(lie: boolean): void {
    this.faults.syncsLie = lie;
  }

  flipBit(path: string, position: number): void {
    this.#contentOf(path, `flip ${position}`).flipBit(position);
  }

  spoilSector(path: string, sector: number, how: 'zero' | 'stale'): void {
    this.#contentOf(path, `${how} ${sector}`).spoilSector(sector, how);
  }

  #contentOf(path: string, fault: string): FileContent {
    const content = this.volume.find(path);
    if (!(content instanceof FileContent)) throw new Error(`${path} is no file of ${this.name}`);
    this.trace.add(`${this.name} ${path} ${fault}`);
    return content;
  }

  #failNext(operation: DiskOperation, times: number): void {
    this.trace.add(`${this.name} fail ${operation} ${times}`);
    this.faults.failNext(operation, times);
  }

  #die(how: string): void {
    this.trace.add(`${this.name} ${how}`);
    const process = this.#process!;
    process.die();
    this.locks.clear();
    this.stalledUntilMs = 0;
    this.#world.network.closeAllOf(process, this);
  }
}

class VolumeImage implements DiskImage {
  readonly volume: Volume;
  readonly unsynced: readonly UnsyncedOperation[];
  constructor(volume: Volume) {
    this.volume = volume;
    this.unsynced = volume.unsynced();
  }
}
