#include "train/logistic_regression.h"

#include <ATen/ATen.h>
#include <torch/optim/lbfgs.h>

#include <tuple>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "runtime/handle.h"
#include "runtime/job.h"
#include "script/tensor.h"
#include "script/value.h"

namespace semisup {
namespace {

// Features [n, d] on orthonormal axes [d, r], of which r = min(n, d), around their mean [d]:
// features = mean + coordinates [n, r] * axes^T. A rotation changes neither the optimum of a fit
// nor its L2 penalty, nor does a shift, because the intercept is not penalized.
struct Axes {
  at::Tensor coordinates;
  at::Tensor variances;
  at::Tensor axes;
  at::Tensor mean;
};

Axes FindPrincipalAxes(const at::Tensor& features) {
  auto centered = features.to(at::kDouble);
  const auto mean = centered.mean(0);
  centered = centered - mean;
  at::Tensor basis;
  if (centered.size(0) < centered.size(1)) {
    at::Tensor triangle;
    std::tie(basis, triangle) = at::linalg_qr(centered.t());
    centered = triangle.t().contiguous();
  }
  Executor::CheckCanceled();
  const auto covariance = centered.t().matmul(centered).div_(centered.size(0));
  const auto [variances, rotation] = at::linalg_eigh(covariance);
  return {.coordinates = centered.matmul(rotation),
          .variances = variances.clamp_min(0),
          .axes = basis.defined() ? basis.matmul(rotation) : rotation,
          .mean = mean};
}

// Parts of coefficients [classes, r + 1] on the principal axes, the intercept last.
at::Tensor WeightOf(const at::Tensor& coefficients) { return coefficients.slice(1, 0, -1); }
at::Tensor InterceptOf(const at::Tensor& coefficients) { return coefficients.select(1, -1); }

struct FitRequest {
  Axes axes;
  // int64 [n], and the weights of their losses, float64 [n].
  at::Tensor labels;
  at::Tensor sample_weights;
  int64_t classes;
  double c;
  // Of the gradient of an objective's variables. Near the optimum their curvature is about 1, so
  // that the objective is within the square of it.
  double tolerance;
  // Where the solver starts: weight [classes, d] and intercept [classes], undefined for zero.
  at::Tensor start_weight;
  at::Tensor start_intercept;

  // What the objective is divided by.
  double LossScale() const { return c * sample_weights.sum().item<double>(); }
  at::Tensor Start() const {
    if (!start_weight.defined()) {
      return at::zeros({classes, axes.variances.size(0) + 1}, axes.variances.options());
    }
    const auto intercept = start_intercept + start_weight.matmul(axes.mean);
    return at::cat({start_weight.matmul(axes.axes), intercept.view({-1, 1})}, 1);
  }
  at::Tensor Logits(const at::Tensor& coefficients) const {
    return at::addmm(InterceptOf(coefficients), axes.coordinates, WeightOf(coefficients).t());
  }
  // The negative log-likelihood of the label of each sample.
  at::Tensor Losses(const at::Tensor& log_probabilities) const {
    return log_probabilities.gather(1, labels.view({-1, 1})).view(-1).neg();
  }
  c10::IValue Solve() const;
};

// The sum of the penalty and the weighted losses, divided by C and the sum of the weights.
//
// Its variables are the coefficients on the principal axes [classes, r + 1], the intercept last,
// each divided by its scale: the inverse root of the objective's curvature along its axis, as the
// probabilities at the start have it. L-BFGS begins with a multiple of the identity as the inverse
// Hessian, from which it converges slowly where the variances of the axes differ by orders of
// magnitude.
class Objective {
 public:
  Objective(const FitRequest& request, const at::Tensor& start)
      : request_(request),
        weights_(request.sample_weights / request.sample_weights.sum()),
        // Of two classes scikit-learn has one weight vector, the difference of theirs, whose
        // squared norm is twice the sum of their squared norms.
        penalty_((request.classes == 2 ? 2 : 1) / request.LossScale()) {
    const auto probabilities = request.Logits(start).softmax(1);
    // The mean diagonal of the Hessian of the losses by the logits.
    const auto curvature =
        (probabilities * (1 - probabilities)).mean(1).dot(weights_).clamp_min(kLeastCurvature);
    scale_ = at::cat({penalty_ + curvature * request.axes.variances, curvature.view(1)}).rsqrt_();
    variables_ = (start / scale_).contiguous();
  }

  // Also computes the gradient of the variables.
  at::Tensor Evaluate() {
    Executor::CheckCanceled();
    if (Executor::current_task().IsAborted()) {
      throw Error("ERR_SEMISUP_CANCELED", "The fit was canceled.");
    }
    const auto coefficients = Coefficients();
    const auto weight = WeightOf(coefficients);
    const auto labels = request_.labels.view({-1, 1});
    const auto log_probabilities = request_.Logits(coefficients).log_softmax(1);
    auto residuals = log_probabilities.exp();
    residuals.scatter_add_(1, labels, at::full(labels.sizes(), -1, residuals.options()));
    residuals.mul_(weights_.view({-1, 1}));
    const auto gradient =
        at::cat({residuals.t().matmul(request_.axes.coordinates).add_(weight, penalty_),
                 residuals.sum(0).view({-1, 1})},
                1);
    variables_.mutable_grad() = gradient * scale_;
    return request_.Losses(log_probabilities).dot(weights_) +
           0.5 * penalty_ * weight.square().sum();
  }

  at::Tensor& variables() { return variables_; }
  at::Tensor Coefficients() const { return variables_ * scale_; }
  // The largest element, after Evaluate().
  double Gradient() const { return variables_.grad().abs().max().item<double>(); }

 private:
  // Keeps the scales finite where all probabilities are 0 or 1.
  static constexpr double kLeastCurvature = 1e-9;

  const FitRequest& request_;
  const at::Tensor weights_;
  const double penalty_;
  at::Tensor scale_;
  at::Tensor variables_;
};

constexpr int64_t kMaxIterations = 1000;
// At the end of a round the scales are measured again: with those of the start, the gradient may
// be small far from the optimum.
constexpr int64_t kMaxRounds = 10;
// Smaller differences of the objective are rounding errors.
constexpr double kChangeTolerance = 1e-15;

c10::IValue FitRequest::Solve() const {
  const c10::NoGradGuard no_grad;
  auto coefficients = Start();
  int64_t evaluations = 0;
  for (int64_t round = 0;; round++) {
    Objective objective(*this, coefficients);
    const auto value = objective.Evaluate();
    if (objective.Gradient() <= tolerance || round == kMaxRounds) {
      const auto weight = WeightOf(coefficients).matmul(axes.axes.t());
      const auto logits = Logits(coefficients);
      return std::make_tuple(weight, InterceptOf(coefficients) - weight.matmul(axes.mean), logits,
                             Losses(logits.log_softmax(1)), value.item<double>() * LossScale(),
                             objective.Gradient(), evaluations);
    }
    torch::optim::LBFGS optimizer({objective.variables()}, torch::optim::LBFGSOptions()
                                                               .max_iter(kMaxIterations)
                                                               .history_size(20)
                                                               .tolerance_grad(tolerance)
                                                               .tolerance_change(kChangeTolerance)
                                                               .line_search_fn("strong_wolfe"));
    optimizer.step([&] {
      // step() enables the recording of gradients.
      const c10::NoGradGuard no_grad;
      evaluations++;
      return objective.Evaluate();
    });
    coefficients = objective.Coefficients();
  }
}

at::Tensor TensorOrUndefined(Napi::Value value) {
  return value.IsUndefined() ? at::Tensor() : TensorOf(value);
}

}  // namespace

Napi::Value PrincipalAxes(const Napi::CallbackInfo& info) {
  const auto features = TensorOf(info[1]);
  const SubmitOptions options{.executor = Unwrap<Executor>(info[0]),
                              .queue = {.task_id = info[2].As<Napi::Number>().Int64Value()}};
  auto compute = [features] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] {
      const c10::NoGradGuard no_grad;
      const auto [coordinates, variances, axes, mean] = FindPrincipalAxes(features);
      return c10::IValue(std::make_tuple(coordinates, variances, axes, mean));
    });
  };
  auto result = [](Napi::Env env, c10::IValue&& value) { return FromIValue(env, value); };
  return Submit(info.Env(), options, std::move(compute), result);
}

Napi::Value FitLogisticRegression(const Napi::CallbackInfo& info) {
  const FitRequest request{.axes = {.coordinates = TensorOf(info[1]),
                                    .variances = TensorOf(info[2]),
                                    .axes = TensorOf(info[3]),
                                    .mean = TensorOf(info[4])},
                           .labels = TensorOf(info[5]),
                           .sample_weights = TensorOf(info[6]),
                           .classes = info[7].As<Napi::Number>().Int64Value(),
                           .c = info[8].As<Napi::Number>().DoubleValue(),
                           .tolerance = info[9].As<Napi::Number>().DoubleValue(),
                           .start_weight = TensorOrUndefined(info[10]),
                           .start_intercept = TensorOrUndefined(info[11])};
  const SubmitOptions options{.executor = Unwrap<Executor>(info[0]),
                              .queue = {.task_id = info[12].As<Napi::Number>().Int64Value()}};
  auto compute = [request] {
    return WithCode("ERR_SEMISUP_SCRIPT", [&] { return request.Solve(); });
  };
  auto result = [](Napi::Env env, c10::IValue&& value) { return FromIValue(env, value); };
  return Submit(info.Env(), options, std::move(compute), result);
}

}  // namespace semisup
