// Multi-scale deformable attention on CPUs: forward and backward, float and double.
//
// Built by cpu.py with the system's compiler on first use and called through ctypes, so it needs no torch
// headers. Legend: B batch, S value positions, Q queries, M heads, D channels per head, L levels, P points.
// Every array is contiguous: value (B, S, M, D), locations (B, Q, M, L, P, 2), weights (B, Q, M, L, P),
// output (B, Q, M, D). Outside of a map the value is zero.
#include <cmath>
#include <cstdint>

namespace {

struct Sizes {
  int64_t batch, positions, heads, channels, queries, levels, points;
};

// The four pixels around a sample: their offsets (negative: outside) and bilinear shares.
template <typename T>
struct Corners {
  int64_t row[4];
  T share[4];
  T fx, fy;
};

template <typename T>
inline bool locate(T x, T y, int64_t height, int64_t width, Corners<T>& c) {
  const T px = x * width - T(0.5), py = y * height - T(0.5);
  if (!(px > T(-1) && py > T(-1) && px < T(width) && py < T(height))) return false;
  const T floor_x = std::floor(px), floor_y = std::floor(py);
  const int64_t x0 = static_cast<int64_t>(floor_x), y0 = static_cast<int64_t>(floor_y);
  c.fx = px - floor_x;
  c.fy = py - floor_y;
  const bool left = x0 >= 0, right = x0 + 1 < width, top = y0 >= 0, bottom = y0 + 1 < height;
  const int64_t base = y0 * width + x0;
  c.row[0] = top && left ? base : -1;
  c.row[1] = top && right ? base + 1 : -1;
  c.row[2] = bottom && left ? base + width : -1;
  c.row[3] = bottom && right ? base + width + 1 : -1;
  c.share[0] = (1 - c.fy) * (1 - c.fx);
  c.share[1] = (1 - c.fy) * c.fx;
  c.share[2] = c.fy * (1 - c.fx);
  c.share[3] = c.fy * c.fx;
  return true;
}

// CHANNELS > 0 is known to the compiler, 0 means read it from the sizes.
template <typename T, int CHANNELS>
void forward(const Sizes& s, const int64_t* shapes, const T* value, const T* locations,
             const T* weights, T* output, int threads) {
  const int64_t channels = CHANNELS ? CHANNELS : s.channels;
  const int64_t row_stride = s.heads * channels, samples = s.levels * s.points;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t item = 0; item < s.batch * s.queries; ++item) {
    const T* values = value + (item / s.queries) * s.positions * row_stride;
    for (int64_t m = 0; m < s.heads; ++m) {
      const int64_t index = item * s.heads + m;
      const T* location = locations + index * samples * 2;
      const T* weight = weights + index * samples;
      T* out = output + index * channels;
      for (int64_t d = 0; d < channels; ++d) out[d] = 0;
      int64_t start = 0;
      for (int64_t level = 0; level < s.levels; ++level) {
        const int64_t height = shapes[2 * level], width = shapes[2 * level + 1];
        for (int64_t p = 0; p < s.points; ++p, location += 2, ++weight) {
          Corners<T> c;
          if (!locate(location[0], location[1], height, width, c)) continue;
          for (int i = 0; i < 4; ++i) {
            if (c.row[i] < 0) continue;
            const T factor = *weight * c.share[i];
            const T* pixel = values + (start + c.row[i]) * row_stride + m * channels;
#pragma omp simd
            for (int64_t d = 0; d < channels; ++d) out[d] += factor * pixel[d];
          }
        }
        start += height * width;
      }
    }
  }
}

// Heads own disjoint channels of grad_value, so threads split (B, M) and need no atomics.
template <typename T, int CHANNELS>
void backward(const Sizes& s, const int64_t* shapes, const T* value, const T* locations,
              const T* weights, const T* grad_output, T* grad_value, T* grad_locations,
              T* grad_weights, int threads) {
  const int64_t channels = CHANNELS ? CHANNELS : s.channels;
  const int64_t row_stride = s.heads * channels, samples = s.levels * s.points;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t item = 0; item < s.batch * s.heads; ++item) {
    const int64_t b = item / s.heads, m = item % s.heads;
    const int64_t offset = b * s.positions * row_stride + m * channels;
    for (int64_t q = 0; q < s.queries; ++q) {
      const int64_t index = (b * s.queries + q) * s.heads + m;
      const T* grad = grad_output + index * channels;
      int64_t start = 0;
      for (int64_t level = 0; level < s.levels; ++level) {
        const int64_t height = shapes[2 * level], width = shapes[2 * level + 1];
        for (int64_t p = 0; p < s.points; ++p) {
          const int64_t sample = index * samples + level * s.points + p;
          grad_weights[sample] = grad_locations[2 * sample] = grad_locations[2 * sample + 1] = 0;
          Corners<T> c;
          if (!locate(locations[2 * sample], locations[2 * sample + 1], height, width, c)) continue;
          T dot[4] = {0, 0, 0, 0};
          for (int i = 0; i < 4; ++i) {
            if (c.row[i] < 0) continue;
            const int64_t at = offset + (start + c.row[i]) * row_stride;
            const T* pixel = value + at;
            T* grad_pixel = grad_value + at;
            const T factor = weights[sample] * c.share[i];
            T sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t d = 0; d < channels; ++d) {
              sum += pixel[d] * grad[d];
              grad_pixel[d] += factor * grad[d];
            }
            dot[i] = sum;
          }
          T total = 0;
          for (int i = 0; i < 4; ++i) total += c.share[i] * dot[i];
          grad_weights[sample] = total;
          const T along_x = (1 - c.fy) * (dot[1] - dot[0]) + c.fy * (dot[3] - dot[2]);
          const T along_y = (1 - c.fx) * (dot[2] - dot[0]) + c.fx * (dot[3] - dot[1]);
          grad_locations[2 * sample] = weights[sample] * width * along_x;
          grad_locations[2 * sample + 1] = weights[sample] * height * along_y;
        }
        start += height * width;
      }
    }
  }
}

}  // namespace

#define DISPATCH(NAME, ...)                                  \
  switch (s.channels) {                                      \
    case 8: NAME<T, 8>(__VA_ARGS__); break;                  \
    case 16: NAME<T, 16>(__VA_ARGS__); break;                \
    case 32: NAME<T, 32>(__VA_ARGS__); break;                \
    case 64: NAME<T, 64>(__VA_ARGS__); break;                \
    default: NAME<T, 0>(__VA_ARGS__);                        \
  }

#define EXPORT(SUFFIX, TYPE)                                                                      \
  extern "C" void forward_##SUFFIX(const int64_t* sizes, const int64_t* shapes, const TYPE* value, \
                                   const TYPE* locations, const TYPE* weights, TYPE* output,      \
                                   int threads) {                                                 \
    using T = TYPE;                                                                               \
    const Sizes& s = *reinterpret_cast<const Sizes*>(sizes);                                      \
    DISPATCH(forward, s, shapes, value, locations, weights, output, threads)                      \
  }                                                                                               \
  extern "C" void backward_##SUFFIX(                                                              \
      const int64_t* sizes, const int64_t* shapes, const TYPE* value, const TYPE* locations,      \
      const TYPE* weights, const TYPE* grad_output, TYPE* grad_value, TYPE* grad_locations,       \
      TYPE* grad_weights, int threads) {                                                          \
    using T = TYPE;                                                                               \
    const Sizes& s = *reinterpret_cast<const Sizes*>(sizes);                                      \
    DISPATCH(backward, s, shapes, value, locations, weights, grad_output, grad_value,             \
             grad_locations, grad_weights, threads)                                               \
  }

EXPORT(float, float)
EXPORT(double, double)
