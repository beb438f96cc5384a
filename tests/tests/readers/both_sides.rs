//! One key that is seen on HID and at a reader.
