import fc from "fast-check";

const unit = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)) },
);

/** Whatever a JavaScript string can hold: any character, and halves of characters, which are no Unicode. */
export function anyText(maxLength = 20): fc.Arbitrary<string> {
  return fc.string({ unit, maxLength });
}
