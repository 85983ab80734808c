#pragma once

#include <cmath>

namespace sinv {

/// Pearson's, of pairs taken one by one.
class Correlation {
 public:
  void add(double x, double y) {
    ++n_;
    x_ += x;
    y_ += y;
    xx_ += x * x;
    yy_ += y * y;
    xy_ += x * y;
  }
  /// 0 when one of the two does not vary.
  double value() const {
    const double varies = (n_ * xx_ - x_ * x_) * (n_ * yy_ - y_ * y_);
    return varies > 1e-12 ? (n_ * xy_ - x_ * y_) / std::sqrt(varies) : 0.0;
  }

 private:
  double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, yy_ = 0, xy_ = 0;
};

}  // namespace sinv
