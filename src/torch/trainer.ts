import type { Tensor } from '../native';
import type { TensorView } from '../types';
import type { TorchExecutor } from './executor';
import type {
  ModuleHandle,
  StepResult,
  StepSettings,
  TrainerHandle,
  TrainerSettings,
} from './native';

/** A module in training. */
export class Trainer<Module> {
  readonly #executor: TorchExecutor;
  readonly #handle: TrainerHandle;
  readonly #open: (module: ModuleHandle) => Promise<Module>;

  private constructor(
    executor: TorchExecutor,
    handle: TrainerHandle,
    open: (module: ModuleHandle) => Promise<Module>,
  ) {
    this.#executor = executor;
    this.#handle = handle;
    this.#open = open;
  }

  /** @param open makes a module of its own from a copy */
  static async create<Module>(
    executor: TorchExecutor,
    module: ModuleHandle,
    settings: TrainerSettings,
    open: (module: ModuleHandle) => Promise<Module>,
  ): Promise<Trainer<Module>> {
    const handle = await executor.native.createTrainer(executor.handle, module, settings);
    return new Trainer(executor, handle, open);
  }

  /**
   * Trains on a batch.
   *
   * @param images float32 [n, c, h, w], normalized
   * @param targets class indices, int64 [n], or probabilities, float32 [n, classes]
   */
  async step(
    images: Tensor<'float32'>,
    targets: Tensor<'int64'> | Tensor<'float32'>,
    settings: StepSettings,
  ): Promise<StepResult> {
    const { native, handle } = this.#executor;
    return await native.trainStep(handle, this.#handle, images.handle, targets.handle, settings);
  }

  /**
   * All tensors that training changes, which share its memory: `model.<name>`, the parameters and buffers;
   * `optimizer.<kind>.<parameter>`, with PyTorch's names (`momentum_buffer`, `exp_avg`, `exp_avg_sq`, `step`); and
   * `ema.<name>`, the moving averages.
   */
  async state(): Promise<Record<string, Tensor>> {
    const state = this.#executor.native.trainerState(this.#executor.handle, this.#handle);
    return (await state) as Record<string, Tensor>;
  }

  /** Copies a strided view of `bytes` into one of the tensors of `state`, as `ScriptModule.fill` does. */
  async restore(name: string, bytes: Uint8Array, view: TensorView): Promise<void> {
    const { native, handle } = this.#executor;
    await native.restoreTrainer(handle, this.#handle, name, bytes, view);
  }

  /**
   * A copy of the module on the CPU, in eval mode, on threads of its own, which the caller closes.
   *
   * @param useEma whether its weights are the moving averages, if there are any
   */
  async copy(useEma: boolean): Promise<Module> {
    const { native, handle } = this.#executor;
    return await this.#open(await native.copyTrained(handle, this.#handle, useEma));
  }
}
