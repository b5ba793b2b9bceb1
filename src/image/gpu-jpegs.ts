import { DeviceError } from '../errors';
import { findUsedLibTorch, nvJpegLibraries } from '../libtorch';
import { Tensor, type Executor, type GpuHandle, type JpegDecoderHandle, type Transform } from '../torch';
import type { EncodedFile } from './decode';

/** Crops of the JPEGs that were decoded, uint8 [n, crop, crop, 3] on the GPU, and the places of the others. */
export interface Crops {
  readonly images?: Tensor;
  readonly failed: readonly number[];
}

/**
 * Decodes JPEGs on a GPU, by NVIDIA's nvJPEG, and resizes them there, by LibTorch's antialiased bilinear
 * filter. Its pixels differ from Pillow's: colours by its own upsampling and rounding, and resized ones
 * by a level or two.
 */
export class GpuJpegs {
  private constructor(
    private readonly executor: Executor,
    private readonly handle: JpegDecoderHandle,
  ) {}

  /** @throws DeviceError if there is no nvJPEG */
  static async open(executor: Executor, gpu: GpuHandle): Promise<GpuJpegs> {
    const libraries = nvJpegLibraries(await findUsedLibTorch());
    try {
      return new GpuJpegs(
        executor,
        await executor.native.openJpegDecoder(executor.handle, gpu, libraries),
      );
    } catch (cause) {
      if (!(cause instanceof DeviceError)) throw cause;
      throw new DeviceError(cause.code, {
        what: cause.what,
        todo: `Fetch LibTorch with it (npx semisup libtorch install --variant cu130), or leave out the option decode: 'gpu'.`,
        value: libraries,
        cause,
      });
    }
  }

  /** The bytes are read while the promise is pending: do not write to them or transfer them. */
  async batch(files: readonly EncodedFile[], transform: Transform): Promise<Crops> {
    const { native, handle } = this.executor;
    const bytes = files.map((file) => file.bytes);
    const { images, failed } = await native.decodeJpegs(handle, this.handle, bytes, transform);
    return { images: images && new Tensor(native, images), failed };
  }
}
