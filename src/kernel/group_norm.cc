#include "src/kernel/group_norm.h"

#include <algorithm>
#include <cmath>

namespace doppio {

template <typename T>
void GroupStatistics(const T* x, const GroupShape& shape, double epsilon, T* mean, T* inv_std,
                     T* room, CPUContext* context) {
  T* means = room;
  T* variances = room + shape.view.count();
  ChannelMoments(x, shape.view, means, variances, context);
  const int64_t size = shape.channels_of_each();
  for (int64_t group = 0; group < shape.count(); ++group) {
    double total = 0;
    for (int64_t i = group * size; i < (group + 1) * size; ++i) total += means[i];
    const double m = total / static_cast<double>(size);
    double spread = 0;
    for (int64_t i = group * size; i < (group + 1) * size; ++i) {
      spread += variances[i] + (means[i] - m) * (means[i] - m);
    }
    mean[group] = static_cast<T>(m);
    inv_std[group] = static_cast<T>(1 / std::sqrt(spread / static_cast<double>(size) + epsilon));
  }
}

template <typename T>
void GroupNorm(const T* x, const GroupShape& shape, const T* mean, const T* inv_std, const T* gamma,
               const T* beta, T* y, T* room, CPUContext* context) {
  T* scale = room;
  T* shift = room + shape.view.count();
  const int64_t size = shape.channels_of_each();
  for (int64_t i = 0; i < shape.view.count(); ++i) {
    const int64_t channel = i % shape.view.channels;
    scale[i] = inv_std[i / size] * gamma[channel];
    shift[i] = beta[channel] - mean[i / size] * scale[i];
  }
  ChannelScale(x, shape.view, scale, shift, y, context);
}

// dx = a dy + b x + c, with numbers a, b and c of each channel.
template <typename T>
void GroupNormGradient(const T* dy, const T* x, const GroupShape& shape, const T* mean,
                       const T* inv_std, const T* gamma, T* dx, T* dgamma, T* dbeta, T* room,
                       CPUContext* context) {
  const int64_t count = shape.view.count();
  const int64_t channels = shape.view.channels;
  const int64_t size = shape.channels_of_each();
  T* sums = room;
  T* dots = sums + count;
  T* a = dots + count;
  T* b = a + count;
  T* c = b + count;
  for (int64_t i = 0; i < count; ++i) c[i] = mean[i / size];
  ChannelDots(dy, x, c, shape.view, sums, dots, context);
  for (int64_t channel = 0; channel < channels; ++channel) {
    double of_gamma = 0;
    double of_beta = 0;
    for (int64_t i = channel; i < count; i += channels) {
      of_gamma += static_cast<double>(dots[i]) * inv_std[i / size];
      of_beta += sums[i];
    }
    dgamma[channel] = static_cast<T>(of_gamma);
    dbeta[channel] = static_cast<T>(of_beta);
  }
  const double elements = static_cast<double>(size * shape.view.channel_size());
  for (int64_t group = 0; group < shape.count(); ++group) {
    double sum = 0;
    double dot = 0;
    for (int64_t i = group * size; i < (group + 1) * size; ++i) {
      sum += static_cast<double>(gamma[i % channels]) * sums[i];
      dot += static_cast<double>(gamma[i % channels]) * dots[i];
    }
    const double r = inv_std[group];
    const double factor = elements == 0 ? 0 : -dot * r * r * r / elements;
    const double constant = elements == 0 ? 0 : -sum * r / elements - factor * mean[group];
    for (int64_t i = group * size; i < (group + 1) * size; ++i) {
      a[i] = static_cast<T>(gamma[i % channels] * r);
      b[i] = static_cast<T>(factor);
      c[i] = static_cast<T>(constant);
    }
  }
  ChannelCombine(dy, x, shape.view, a, b, c, dx, context);
}

#define DOPPIO_GROUP_NORM(T)                                                                       \
  template void GroupStatistics(const T*, const GroupShape&, double, T*, T*, T*, CPUContext*);     \
  template void GroupNorm(const T*, const GroupShape&, const T*, const T*, const T*, const T*, T*, \
                          T*, CPUContext*);                                                        \
  template void GroupNormGradient(const T*, const T*, const GroupShape&, const T*, const T*,       \
                                  const T*, T*, T*, T*, T*, CPUContext*);
DOPPIO_GROUP_NORM(float)
DOPPIO_GROUP_NORM(double)
#undef DOPPIO_GROUP_NORM

}  // namespace doppio
