import { DeviceError } from '../errors';
import { findUsedLibTorch, nvJpegLibraries } from '../libtorch';
import { Tensor } from '../native';
import type { BatchTransform } from '../types';
import type { TorchExecutor } from './executor';
import type { GpuHandle, JpegDecoderHandle } from './native';

/** The result of decoding a batch of JPEGs on a GPU. */
export interface DecodedJpegs {
  /** uint8 [n * views, crop, crop, 3] on the GPU, in the order of the files; absent if none was decoded. */
  readonly images?: Tensor;
  /** The indices of the files that could not be decoded. */
  readonly failed: readonly number[];
}

/**
 * Decodes JPEGs on a GPU with nvJPEG, and resizes them there with LibTorch's antialiased bilinear
 * filter. Pixels differ from Pillow's: nvJPEG upsamples and rounds chroma differently, and resized
 * samples differ by one or two levels.
 */
export class GpuJpegDecoder {
  private constructor(
    private readonly executor: TorchExecutor,
    private readonly handle: JpegDecoderHandle,
  ) {}

  /** @throws DeviceError if nvJPEG cannot be loaded */
  static async open(executor: TorchExecutor, gpu: GpuHandle): Promise<GpuJpegDecoder> {
    const libraries = nvJpegLibraries(await findUsedLibTorch());
    const { native, handle } = executor;
    try {
      return new GpuJpegDecoder(executor, await native.openJpegDecoder(handle, gpu, libraries));
    } catch (cause) {
      if (!(cause instanceof DeviceError)) throw cause;
      throw new DeviceError(cause.code, {
        what: cause.what,
        remedy: `Install a LibTorch that contains it (npx semisup libtorch install --variant cu130), or omit decode: 'gpu'.`,
        value: libraries,
        cause,
      });
    }
  }

  /**
   * Decodes, resizes and crops files. Their bytes are read while the promise is pending: do not write
   * to them or transfer them until it settles.
   */
  async decode(files: readonly Uint8Array[], transform: BatchTransform): Promise<DecodedJpegs> {
    const { native, handle } = this.executor;
    const { images, failed } = await native.decodeJpegs(handle, this.handle, files, transform);
    return { images: images && new Tensor(native, images), failed };
  }
}
