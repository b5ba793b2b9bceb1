import { rejectOnAbort, type ExecutorOptions, type Tensor } from '../native';
import { openExecutor, type TorchExecutor } from './executor';

type Float64Tensor = Tensor<'float64'>;

/** Coefficients of a logistic regression: the logits of features x are `weight x + intercept`. */
export interface Coefficients {
  /** float64 [classes, d]. */
  readonly weight: Float64Tensor;
  /** float64 [classes]; sums to 0. */
  readonly intercept: Float64Tensor;
}

/** What a fit depends on. */
export interface FitRequest {
  /** The weight of the loss of each sample, float64 [n]; those with 0 are left out. */
  readonly sampleWeights: Float64Tensor;
  /** The inverse of the regularization's strength, as in scikit-learn. */
  readonly c: number;
  /**
   * The largest element of the gradient with which it ends, on axes where the mean loss has a curvature of about 1: the
   * mean loss is then within its square of the optimum. 1e-7 by default.
   */
  readonly tolerance?: number;
  /** Where the solver starts; by default all coefficients are 0. It does not affect the result, but the time. */
  readonly start?: Coefficients;
  readonly signal?: AbortSignal;
}

/** The optimum. */
export interface Fit extends Coefficients {
  /** Those of all samples, also of those with the weight 0: float64 [n, classes]. */
  readonly logits: Float64Tensor;
  /** The negative log-likelihood of the label of each sample, in nats: float64 [n]. */
  readonly losses: Float64Tensor;
  /** `0.5 * ||weight||^2 + c * sum(w_i * loss_i)`. */
  readonly objective: number;
  /** The largest element of the gradient; see `FitRequest.tolerance`. */
  readonly gradient: number;
  /** How often the objective was evaluated. */
  readonly evaluations: number;
}

interface PrincipalAxes {
  readonly coordinates: Float64Tensor;
  readonly variances: Float64Tensor;
  readonly axes: Float64Tensor;
  readonly mean: Float64Tensor;
}

/**
 * Multinomial logistic regressions on the same samples, with the objective of scikit-learn's `LogisticRegression`: the L2
 * penalty is on the weights, not on the intercept. Solved in float64 by LibTorch's L-BFGS on threads of its own.
 */
export class LogisticRegression {
  readonly #executor: TorchExecutor;
  readonly #features: PrincipalAxes;
  readonly #labels: Tensor<'int64'>;
  readonly #classes: number;
  #lastJobId: number;

  private constructor(
    executor: TorchExecutor,
    features: PrincipalAxes,
    labels: Tensor<'int64'>,
    classes: number,
  ) {
    this.#executor = executor;
    this.#features = features;
    this.#labels = labels;
    this.#classes = classes;
    this.#lastJobId = axesJobId;
  }

  /**
   * Prepares samples, which takes the time of an eigendecomposition of [d, d].
   *
   * @param features float32 [n, d]
   * @param labels int64 [n], each below `classes`
   */
  static async open(
    features: Tensor<'float32'>,
    labels: Tensor<'int64'>,
    classes: number,
    { signal, ...options }: ExecutorOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<LogisticRegression> {
    const executor = await openExecutor(options);
    try {
      const { native, handle } = executor;
      const rotating = native.principalAxes(handle, features.handle, axesJobId);
      const [coordinates, variances, axes, mean] = (await rejectOnAbort(signal, rotating, () => {
        native.cancelJob(handle, axesJobId);
      })) as [Float64Tensor, Float64Tensor, Float64Tensor, Float64Tensor];
      return new LogisticRegression(
        executor,
        { coordinates, variances, axes, mean },
        labels,
        classes,
      );
    } catch (error) {
      // It ends when its step does.
      executor.close().catch(() => undefined);
      throw error;
    }
  }

  /** Finds the optimum. The caller disposes the tensors. @throws `signal.reason` after an abort */
  async fit({ sampleWeights, c, tolerance = 1e-7, start, signal }: FitRequest): Promise<Fit> {
    const { native, handle } = this.#executor;
    const { coordinates, variances, axes, mean } = this.#features;
    const jobId = ++this.#lastJobId;
    const fitting = native.fitLogisticRegression(
      ...([handle, coordinates.handle, variances.handle, axes.handle, mean.handle] as const),
      ...([this.#labels.handle, sampleWeights.handle, this.#classes, c, tolerance] as const),
      ...([start?.weight.handle, start?.intercept.handle, jobId] as const),
    );
    const [weight, intercept, logits, losses, objective, gradient, evaluations] =
      (await rejectOnAbort(signal, fitting, () => {
        native.cancelJob(handle, jobId);
      })) as [Float64Tensor, Float64Tensor, Float64Tensor, Float64Tensor, number, number, number];
    return { weight, intercept, logits, losses, objective, gradient, evaluations };
  }

  /** The mean squared distance of the features from their mean: the sum of their variances. */
  async spread(): Promise<number> {
    return (await this.#features.variances.data()).reduce((sum, one) => sum + one, 0);
  }

  /** Waits for what runs, then frees the samples. */
  async close(): Promise<void> {
    await this.#executor.close();
    for (const tensor of Object.values(this.#features) as Float64Tensor[]) tensor.dispose();
  }
}

const axesJobId = 1;
