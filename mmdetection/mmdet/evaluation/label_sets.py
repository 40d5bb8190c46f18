"""Names and colours of the classes of public data sets."""

from __future__ import annotations

from typing import NamedTuple


class LabelSet(NamedTuple):
    """Class names in the order of the labels, and their RGB colours."""

    names: tuple[str, ...]
    palette: list[tuple[int, int, int]]


def _label_set(names: str, colours: str) -> LabelSet:
    """Reads names separated by commas and colours as rrggbb."""
    palette = [tuple(bytes.fromhex(colour)) for colour in colours.split()]
    return LabelSet(tuple(" ".join(name.split()) for name in names.split(",")), palette)  # type: ignore[arg-type]


COCO = _label_set(
    """
    person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire
    hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear,
    zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports
    ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine
    glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot
    dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop,
    mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book,
    clock, vase, scissors, teddy bear, hair drier, toothbrush
    """,
    """
    dc143c 770b20 00008e 0000e6 6a00e4 003c64 005064 000046 0000c0 faaa1e 64aa1e dcdc00 af74af
    fa001e a52a2a ff4dff 00e2fc b6b6ff 005200 78a69d 6e4c00 ae39ff c76400 480076 ffb3f0 007d5c
    d10097 bcd0b6 00dcb0 ff63a4 5c0049 8581ff 4eb4ff 00e400 aefff3 2d59ff 868667 9194ae ffd0ba
    c5e2ff ab8601 6d3f36 cf8aff 97005f 09503d 546933 4a4169 a6c466 d0c3d2 ff6d41 008f95 b300c2
    d1636a 057900 e3ffcd 93bad0 994501 035fa1 a3ff00 7700aa 00b6c7 00a578 b78258 5f2000 827287
    6e8185 a64a76 db8eb9 4fd272 b25a3e 41460f 7fa773 3b696a 8e6c2d c4ac00 5f3650 804cff c93901
    f6007a bfa2d0
    """,
)

VOC = _label_set(
    """
    aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse,
    motorbike, person, pottedplant, sheep, sofa, train, tvmonitor
    """,
    """
    6a00e4 770b20 a52a2a 0000c0 c5e2ff 003c64 00008e ff4dff 994501 78a69d 00b6c7 00e2fc b6b6ff
    0000e6 dc143c a3ff00 005200 035fa1 005064 b78258
    """,
)

CITYSCAPES = _label_set(
    """
    person, rider, car, truck, bus, train, motorcycle, bicycle
    """,
    """
    dc143c ff0000 00008e 000046 003c64 005064 0000e6 770b20
    """,
)
