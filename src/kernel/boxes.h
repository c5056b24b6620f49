#ifndef DOPPIO_KERNEL_BOXES_H_
#define DOPPIO_KERNEL_BOXES_H_

// Boxes of object detection, one at a time. An upright box is four floats [x1,y1,x2,y2], a rotated
// one five: [centre x, centre y, width, height, angle in degrees, counter-clockwise]. Units are
// pixels. With `plus_one` x2 and y2 are the last pixels of a box and its width is x2 - x1 + 1, as
// detectors counted for long; without, it is x2 - x1.
//
// NaN goes in and comes out; nothing here depends on boxes being sensible.

#include <cstdint>

namespace doppio {

// How the deltas that a net predicts move a box.
struct BoxDecoding {
  float weights[4] = {1, 1, 1, 1};  // that the deltas dx, dy, dw, dh were multiplied with
  bool plus_one = true;
  // Whether x2 and y2 are the last pixels of the new box, or (with plus_one) one beyond, as early
  // versions of Caffe2 had them.
  bool ends_inside = true;
  // Rotated boxes: whether angles are brought into [angle_low, angle_high] by one period, which is
  // the difference of the two.
  bool bound_angle = true;
  float angle_low = -90;
  float angle_high = 90;
};

// The box moved by `delta` [dx,dy,dw,dh]: its centre by dx and dy of its width and height, which
// are themselves multiplied by exp(dw) and exp(dh), at most 1000/16. `out` may be `box`.
void DecodeBox(const float* box, const float* delta, const BoxDecoding& decoding, float* out);
// The same for a rotated box and [dx,dy,dw,dh,da], da in radians.
void DecodeRotatedBox(const float* box, const float* delta, const BoxDecoding& decoding,
                      float* out);

// Moves the sides of a box into an image. `height` and `width` are whole.
void ClipBox(float height, float width, bool plus_one, float* box);
// The same for a rotated box whose angle is at most `most_angle` degrees off; others stay.
void ClipRotatedBox(float height, float width, float most_angle, bool plus_one, float* box);

// Whether both sides are at least `min_size` and the centre is left of `width` and above `height`.
// False for boxes with NaN.
bool IsLargeBoxInside(const float* box, double min_size, float height, float width, bool plus_one);
bool IsLargeRotatedBoxInside(const float* box, double min_size, float height, float width);

// Whether all `count` numbers of a box are finite.
bool IsFiniteBox(const float* box, int count);

// The area that two rotated boxes have in common, at most that of the smaller one; 0 where one of
// them has no finite area.
float RotatedIntersection(const float* a, const float* b);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_BOXES_H_
