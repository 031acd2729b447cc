// Our own GPU buffers (tfjs keeps its own): labelled, counted, and used again between layers of the same size.

import { EngineError } from '../backend';

/** Free buffers we keep. More than this is given back to the device at once: layers rarely need more. */
const maxFreeBytes = 256 * 1024 * 1024;

export interface PoolBytes {
  readonly live: number;
  readonly free: number;
}

export class BufferPool {
  private readonly free = new Map<string, GPUBuffer[]>();
  private freeBytes = 0;
  private liveBytes = 0;
  private disposed = false;

  constructor(private readonly device: GPUDevice) {}

  get bytes(): PoolBytes {
    return { live: this.liveBytes, free: this.freeBytes };
  }

  /**
   * A buffer of exactly `byteLength` bytes (tfjs tensors over it would otherwise read too much). Contents are old.
   * @throws EngineError outOfMemory when the device does not allow a buffer of this size.
   */
  acquire(byteLength: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const limit =
      (usage & GPUBufferUsage.STORAGE) === 0 ? maxBufferSize : Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (byteLength > limit) {
      throw new EngineError(
        'outOfMemory',
        `The buffer "${label}" needs ${megabytes(byteLength)}, this graphics device allows ${megabytes(limit)}. Use the cpu backend, or fewer tokens.`,
      );
    }
    const kept = this.free.get(keyOf(byteLength, usage))?.pop();
    this.liveBytes += byteLength;
    if (kept !== undefined) {
      this.freeBytes -= byteLength;
      kept.label = label;
      return kept;
    }
    return this.device.createBuffer({ label, size: byteLength, usage });
  }

  release(buffer: GPUBuffer): void {
    this.liveBytes -= buffer.size;
    if (this.disposed || this.freeBytes + buffer.size > maxFreeBytes) {
      buffer.destroy();
      return;
    }
    this.freeBytes += buffer.size;
    const key = keyOf(buffer.size, buffer.usage);
    const kept = this.free.get(key);
    if (kept === undefined) this.free.set(key, [buffer]);
    else kept.push(buffer);
  }

  dispose(): void {
    this.disposed = true;
    for (const buffers of this.free.values()) {
      for (const buffer of buffers) buffer.destroy();
    }
    this.free.clear();
    this.freeBytes = 0;
  }
}

/** Buffers of one run; `end` gives them all back. Nothing of a scope is used again before its work is submitted. */
export class BufferScope {
  private readonly held = new Set<GPUBuffer>();
  private ended = false;

  constructor(
    private readonly device: GPUDevice,
    private readonly pool: BufferPool,
  ) {}

  /** Storage for `length` float32 that kernels read and write and copies can reach. */
  storage(length: number, label: string): GPUBuffer {
    return this.hold(length * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, label);
  }

  /** Storage filled with `data`. */
  upload(data: Float32Array<ArrayBuffer>, label: string): GPUBuffer {
    const buffer = this.storage(data.length, label);
    this.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  uniform(data: ArrayBuffer, label: string): GPUBuffer {
    const buffer = this.hold(data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, label);
    this.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  /** Reads back `length` float32 of what was submitted so far. */
  async read(source: GPUBuffer, length: number, label: string): Promise<Float32Array<ArrayBuffer>> {
    const staging = this.hold(length * 4, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, `${label} (read back)`);
    const encoder = this.device.createCommandEncoder({ label: `read ${label}` });
    encoder.copyBufferToBuffer(source, 0, staging, 0, length * 4);
    this.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const data = new Float32Array(staging.getMappedRange().slice(0));
    staging.unmap();
    this.release(staging);
    return data;
  }

  release(buffer: GPUBuffer): void {
    if (this.held.delete(buffer)) this.pool.release(buffer);
  }

  end(): void {
    this.ended = true;
    for (const buffer of this.held) {
      // After a lost device or an error a read-back may still be under way; such a buffer must not be used again.
      if (buffer.mapState !== 'unmapped') buffer.unmap();
      this.pool.release(buffer);
    }
    this.held.clear();
  }

  private hold(byteLength: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    if (this.ended) throw new EngineError('internal', `The buffer "${label}" was asked for after its run had ended.`);
    const buffer = this.pool.acquire(byteLength, usage, label);
    this.held.add(buffer);
    return buffer;
  }
}

function keyOf(byteLength: number, usage: number): string {
  return `${byteLength}/${usage}`;
}

function megabytes(byteLength: number): string {
  return `${(byteLength / 1048576).toFixed(0)} MB`;
}
