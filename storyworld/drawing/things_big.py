"""Big things and tools, to climb, ride, shelter in, dig and fish with."""

from __future__ import annotations

from storyworld.drawing.pen import Pen
from storyworld.drawing.things_base import (
    DARK,
    GOLD,
    WOOD,
    WOOD_DARK,
    Shapes,
    around,
    flame,
    smoke,
)

_POLE = "c98a4a"


def _ladder(pen: Pen) -> None:
    for y in (-29, -14.5, 0, 14.5, 29):
        pen.limb(f"M -16 {y} L 16 {y}", 3.4, "dfa863")
    for x in (-17, 17):
        pen.limb(f"M {x} -38 L {x} 38", 4.6, _POLE)


def _ladder_broken(pen: Pen) -> None:
    for path in (
        "M -16 -29 L -7 -27",
        "M -16 -14.5 L -2 -2",
        "M 16 0 L 7 2",
        "M -16 0 L -12 0",
        "M 16 14.5 L 3 24",
        "M -16 14.5 L -8 15",
        "M -16 29 L 16 29",
    ):
        pen.limb(path, 3.4, "dfa863")
    pen.limb("M -17 -38 L -17 38", 4.6, _POLE)
    pen.limb("M 17 38 L 17 -12", 4.6, _POLE)
    pen.limb("M 20 -21 L 25 -38", 4.6, _POLE)
    splinters = [(12.5, -12), (14, -20), (17, -15), (21, -23), (23, -15), (21, -10)]
    pen.polygon(splinters, "f0d9a8", line=1.8)


_ROPE, _ROPE_DARK = "e3bb74", "9a6c30"


def _strand(pen: Pen, path: str, width: float = 5.0) -> None:
    pen.limb(path, width, _ROPE)


def _rope(pen: Pen) -> None:
    _strand(pen, "M 8 12 Q 18 14 16 23")
    for radius in (16, 10.5):
        pen.arc(0, -2, radius, radius, 0, 359.9, 5 + 2 * pen.line)
        pen.arc(0, -2, radius, radius, 0, 359.9, 5, _ROPE)
        for step in range(12):
            with pen.moved(0, -2, angle=30 * step):
                pen.stroke(f"M {radius - 1.6} -1.6 L {radius + 1.6} 1.6", 1.3, _ROPE_DARK)
    pen.box(-5, -22, 10, 17, "c98f45", line=2, corner=2.5)
    pen.stroke("M -4 -17 L 4 -18.5 M -4 -12.5 L 4 -14 M -4 -8 L 4 -9.5", 1.4, _ROPE_DARK)
    pen.stroke("M 13 25 L 14 21 M 16.5 26 L 16 22 M 20 25 L 18 21", 2.2, _ROPE_DARK)


def _rope_cut(pen: Pen) -> None:
    for path, ends in (
        ("M -18 12 Q -22 -8 -8 -12 Q 2 -14 2 -6", ((2.0, -6.0, 90),)),
        ("M 18 -10 Q 22 10 8 13 Q -3 15 -3 8", ((-3.0, 8.0, -90),)),
    ):
        _strand(pen, path)
        for x, y, angle in ends:
            with pen.moved(x, y, angle=angle):
                pen.stroke("M 0 -2 L 7 -6 M 0 0 L 9 0 M 0 2 L 7 6", 3.6)
                pen.stroke("M 0 -2 L 7 -6 M 0 0 L 9 0 M 0 2 L 7 6", 1.6, _ROPE)
    for x, y, angle in (
        (-19.0, 4.0, 20),
        (-17, -4, 50),
        (-10, -10, 90),
        (18.5, -2, 20),
        (17.5, 5, 50),
        (10, 11.5, 90),
    ):
        with pen.moved(x, y, angle=angle):
            pen.stroke("M -1.8 -1.6 L 1.8 1.6", 1.4, _ROPE_DARK)


def _spade_head(pen: Pen) -> None:
    """The blade, below the end of the shaft at (0, 0)."""
    pen.shape("M -10 0 L 10 0 L 10 10 Q 9 18 0 23 Q -9 18 -10 10 Z", "b9c4d1")
    pen.stroke("M -5 4 L -5 12", 2.2, "ffffff")
    pen.box(-3.6, -6, 7.2, 12, "8794a5", line=2, corner=2)


def _spade_grip(pen: Pen) -> None:
    """The handle, above the end of the shaft at (0, 0)."""
    pen.shape("M -3 2 L -9 -5 Q -10 -9 -7 -9 L 7 -9 Q 10 -9 9 -5 L 3 2 Z", "e5493f")
    pen.polygon([(0, -1), (-4, -5), (4, -5)], "fff3dc", line=1.6)


def _spade(pen: Pen) -> None:
    with pen.moved(0, 0, angle=24):
        pen.limb("M 0 -17 L 0 4", 4, _POLE)
        with pen.moved(0, -18):
            _spade_grip(pen)
        with pen.moved(0, 4):
            _spade_head(pen)


def _spade_broken(pen: Pen) -> None:
    with pen.moved(-8, 1, angle=16):
        pen.limb("M 0 -8 L 0 4", 4, _POLE)
        pen.polygon([(-4.5, -7), (-4, -15), (-1, -11), (2, -16), (4.5, -7)], "f0d9a8", line=1.9)
        with pen.moved(0, 4):
            _spade_head(pen)
    with pen.moved(13, -7, angle=62):
        pen.limb("M 0 -6 L 0 8", 4, _POLE)
        pen.polygon([(-4.5, 8), (-3, 15), (0, 11), (3, 17), (4.5, 8)], "f0d9a8", line=1.9)
        with pen.moved(0, -8):
            _spade_grip(pen)


_MESH = "M -13 0 C -12 14 -6 25 2 26 C 9 25 13 12 13 0 Z"


def _mesh(pen: Pen) -> None:
    with pen.clipped(_MESH):
        grid = " ".join(f"M {x} -2 L {x + 22} 28 M {x + 22} -2 L {x} 28" for x in range(-40, 24, 7))
        pen.stroke(grid, 1.4, "5f8f86")


def _net_parts(pen: Pen, torn: bool) -> None:
    with pen.moved(2, -9, angle=0):
        pen.limb("M -13 4 L -34 38", 4, _POLE)
        if torn:
            bag = "M -13 0 C -13 9 -11 15 -8 20 L -5 12 L -2 17 L 0 7 L 4 11 L 5 5 L 9 12 L 11 9 "
            bag += "C 12 6 13 3 13 0 Z"
            pen.shape(bag, "d9f3ea", line=0)
            with pen.clipped(bag):
                grid = " ".join(
                    f"M {x} -2 L {x + 22} 28 M {x + 22} -2 L {x} 28" for x in range(-40, 24, 7)
                )
                pen.stroke(grid, 1.4, "5f8f86")
            pen.shape(bag, None, line=1.9)
            pen.stroke("M -8 20 Q -6 24 -9 27 M -2 17 Q 0 21 -2 24 M 9 12 Q 12 16 9 20", 1.7)
        else:
            pen.shape(_MESH, "d9f3ea", line=0)
            _mesh(pen)
            pen.shape(_MESH, None)
        pen.arc(0, 0, 14, 6, 0, 359.9, 2.6 + 2 * min(pen.line, 2.2))
        pen.arc(0, 0, 14, 6, 0, 359.9, 2.6, "f0b23a")


def _net(pen: Pen) -> None:
    _net_parts(pen, torn=False)


def _net_torn(pen: Pen) -> None:
    _net_parts(pen, torn=True)


def _chest_front(pen: Pen) -> None:
    pen.box(-32, -4, 64, 28, "a5622d", corner=3)
    pen.stroke("M -24 10 L 24 10", 1.8, "74401a")
    for x in (-26, 18):
        pen.box(x, -4, 8, 28, "e3a72e", line=1.9)
        pen.oval(x + 4, 2, 1.3, 1.3, "8a5c10", line=0)
        pen.oval(x + 4, 18, 1.3, 1.3, "8a5c10", line=0)


def _chest(pen: Pen) -> None:
    lid = "M -33 -4 L -33 -10 C -33 -26 -22 -28 0 -28 C 22 -28 33 -26 33 -10 L 33 -4 Z"
    _chest_front(pen)
    pen.shape(lid, "bb7638", line=0)
    with pen.clipped(lid):
        pen.stroke("M -34 -16 L 34 -16", 1.8, "74401a")
        for x in (-26, 18):
            pen.box(x, -30, 8, 30, "e3a72e", line=1.9)
    pen.shape(lid, None)
    pen.box(-6, -9, 12, 14, GOLD, line=2, corner=3)
    pen.oval(0, -3, 2, 2, DARK, line=0)
    pen.stroke("M 0 -2 L 0 1.5", 2.2, DARK)


def _chest_open(pen: Pen) -> None:
    lid = "M -31 -12 L -33 -26 C -33 -40 -22 -42 0 -42 C 22 -42 33 -40 33 -26 L 31 -12 Z"
    pen.shape(lid, "bb7638")
    inner = "M -26 -12 L -27 -25 C -26 -34 -20 -35 0 -35 C 20 -35 26 -34 27 -25 L 26 -12 Z"
    pen.shape(inner, "7a4420", line=1.9)
    pen.polygon([(-32, -3), (-28, -15), (28, -15), (32, -3)], DARK)
    pen.box(-34, -6, 68, 6, "bb7638", line=0)
    _chest_front(pen)
    pen.box(-34, -6, 68, 7, "bb7638", corner=2)
    pen.box(-5, -4, 10, 9, GOLD, line=2, corner=2)


def _runner(pen: Pen, path: str) -> None:
    pen.limb(path, 3.4, "9aa6b5")


def _sledge(pen: Pen) -> None:
    _runner(pen, "M -24 9 L 22 9 Q 38 8 39 -6 Q 38 -14 31 -13")
    for x in (-16, 18):
        pen.limb(f"M {x} 10 L {x} -4", 4, WOOD)
    pen.polygon([(-32, -2), (22, -2), (31, -13), (-23, -13)], "e0302f")
    pen.stroke("M -28 -6 L 25 -6 M -25.5 -9.6 L 28 -9.6", 1.9, "8f1714")
    _runner(pen, "M -35 17 L 14 17 Q 31 16 32 1 Q 31 -7 24 -5")
    for x in (-25, 8):
        pen.limb(f"M {x} 15 L {x} 2", 4, WOOD)
    pen.box(-35, -3, 58, 7, "e0302f", corner=3)
    pen.box(-31, -1, 50, 2, "ff7a6e", line=0, corner=1)


def _sledge_broken(pen: Pen) -> None:
    with pen.moved(-15, 2, angle=11):
        pen.polygon([(-19, -3), (4, -3), (9, -6), (6, -9), (13, -13), (-11, -13)], "e0302f")
        pen.stroke("M -15 -7 L 4 -7", 1.9, "8f1714")
        _runner(pen, "M -21 16 L 8 16")
        for x in (-12, 3):
            pen.limb(f"M {x} 14 L {x} 2", 4, WOOD)
        pen.shape(
            "M -19 -4 L 8 -4 L 5 0 L 10 2 L 7 4 L -19 4 Q -22 4 -22 0 Q -22 -4 -19 -4 Z", "e0302f"
        )
    with pen.moved(18, 6, angle=-24):
        pen.polygon([(-8, -4), (8, -4), (15, -14), (3, -14), (5, -11), (-2, -9)], "e0302f")
        pen.limb("M 3 11 L 3 2", 4, WOOD)
        pen.shape("M -12 -4 L 9 -4 Q 12 -4 12 0 Q 12 4 9 4 L -9 4 L -6 1 L -13 -1 Z", "e0302f")
    _runner(pen, "M 13 22 Q 32 24 37 9 Q 38 0 31 0")
    pen.stroke("M -1 -14 L -1 -19 M 6 -12 L 9 -17", 2.2, WOOD_DARK)


def _tent(pen: Pen) -> None:
    pen.stroke("M -38 27 L -44 31 M 38 27 L 44 31", 3)
    pen.stroke("M 0 -30 L 0 -36", 5.4)
    pen.stroke("M 0 -30 L 0 -36", 2.4, _POLE)
    tent = "M 0 -32 Q 16 -2 41 28 L -41 28 Q -16 -2 0 -32 Z"
    pen.shape(tent, "ff9330", line=0)
    with pen.clipped(tent):
        pen.shape("M 0 -34 Q 24 0 44 30 L 26 30 Q 12 0 0 -34 Z", "e87618", line=0)
        pen.shape("M 0 -34 Q -24 0 -44 30 L -26 30 Q -12 0 0 -34 Z", "ffad5c", line=0)
        pen.box(-46, 22, 92, 8, "fff0cf", line=1.8)
    pen.shape(tent, None)
    pen.shape("M 0 -12 Q 6 10 14 28 L -14 28 Q -6 10 0 -12 Z", DARK)
    pen.shape("M 0 -12 Q -4 10 -14 28 L -19 28 Q -13 14 -12 6 Z", "ffc98a", line=2)
    pen.shape("M 0 -12 Q 4 10 14 28 L 19 28 Q 13 14 12 6 Z", "ffc98a", line=2)


def _tent_broken(pen: Pen) -> None:
    pen.stroke("M -40 25 L -45 29", 3)
    pen.limb("M -6 22 L -17 -31", 3.2, _POLE)
    heap = "M -16 -25 Q -10 -8 2 -4 Q 14 -8 20 0 Q 32 2 42 24 L -40 24 Q -24 2 -16 -25 Z"
    pen.shape(heap, "ff9330", line=0)
    with pen.clipped(heap):
        pen.shape("M -16 -27 Q -30 4 -44 26 L -30 26 Q -18 0 -16 -27 Z", "ffad5c", line=0)
        pen.shape("M 18 -6 Q 22 10 20 28 L 46 28 L 40 4 Z", "e87618", line=0)
        pen.box(-46, 18, 92, 8, "fff0cf", line=1.8)
    pen.shape(heap, None)
    pen.shape("M -14 -4 Q -12 12 -5 24 L -22 24 Q -16 10 -14 -4 Z", DARK)
    tear = [
        (3, -4),
        (8, 2),
        (14, 0),
        (12, 6),
        (18, 9),
        (11, 11),
        (10, 17),
        (6, 11),
        (0, 13),
        (3, 7),
    ]
    pen.polygon([*tear, (-2, 3)], DARK, line=1.8)
    pen.stroke("M 20 2 Q 19 9 24 14 M 29 7 Q 28 12 31 16", 1.9, "a8500c")


def _log(pen: Pen, x: float, y: float, angle: float, length: float, fill: str, end: str) -> None:
    with pen.moved(x, y, angle=angle):
        pen.box(-length / 2, -5, length, 10, fill, corner=4)
        pen.oval(length / 2 - 3, 0, 4.2, 5, end, line=2)
        pen.oval(length / 2 - 3, 0, 1.5, 2, fill, line=0)


def _stones(pen: Pen) -> None:
    for x, y, size in ((-24, 20, 6), (-12, 23, 6.5), (1, 24, 6.5), (14, 23, 6.5), (25, 20, 6)):
        pen.oval(x, y, size + 1, size - 1, "a3adba")
        pen.oval(x - 2, y - 2, 2.4, 1.2, "d3dae2", line=0)


def _fire(pen: Pen) -> None:
    pen.unlit().glow(0, 0, 62, "ffb84a", 0.7)
    _log(pen, -3, 13, -14, 46, "8a5526", "e0b070")
    _log(pen, 3, 13, 194, 46, "8a5526", "e0b070")
    flame(pen, -11, 14, 30)
    flame(pen, 12, 14, 27)
    flame(pen, 0, 16, 50)
    _stones(pen)


def _fire_out(pen: Pen) -> None:
    smoke(pen, -7, 2, 26)
    smoke(pen, 8, 4, 18)
    pen.oval(0, 16, 22, 6, "8b8790")
    _log(pen, -3, 12, -14, 46, "463a40", "6b5d62")
    _log(pen, 3, 12, 194, 46, "463a40", "6b5d62")
    _stones(pen)


def _raft_log(pen: Pen, x: float, y: float, length: float, angle: float = 0.0) -> None:
    with pen.moved(x, y, angle=angle):
        pen.box(-length / 2, -4.5, length, 9, "c98a4a", corner=4.5)
        pen.stroke(f"M {-length * 0.3} -1 L {-length * 0.1} -1", 1.5, "8a5526")
        pen.stroke(f"M {length * 0.12} 1 L {length * 0.32} 1", 1.5, "8a5526")
        pen.oval(-length / 2 + 4, 0, 3.6, 4.4, "f0cf96", line=1.9)
        pen.oval(-length / 2 + 4, 0, 1.2, 1.5, "a8713a", line=0)


def _raft(pen: Pen) -> None:
    for row, y in enumerate((-12, -4, 4, 12)):
        _raft_log(pen, (-3, 1, -2, 2)[row], y, 78)
    for x in (-22, 24):
        pen.limb(f"M {x} -17 L {x} 16", 4, "f3e3b8")
        pen.stroke(
            f"M {x - 2} -12 L {x + 2} -10 M {x - 2} -4 L {x + 2} -2 M {x - 2} 4 L {x + 2} 6",
            1.4,
            _ROPE_DARK,
        )


def _raft_broken(pen: Pen) -> None:
    _raft_log(pen, -4, -13, 76, -9)
    _raft_log(pen, 6, -1, 62, 12)
    _raft_log(pen, -14, 11, 54, -6)
    _raft_log(pen, 27, 16, 34, 16)
    for path in ("M -23 -14 Q -30 -4 -22 4", "M 22 -20 Q 30 -12 24 -6 Q 20 0 27 4"):
        pen.limb(path, 3.4, "f3e3b8")


def _door_frame(pen: Pen) -> None:
    stone = "M -27 38 L -27 -12 C -27 -32 -15 -40 0 -40 C 15 -40 27 -32 27 -12 L 27 38 Z"
    pen.shape(stone, "a3a0ad")
    pen.stroke(
        "M -27 10 L -20 10 M 20 10 L 27 10 M -26 -14 L -20 -12 M 26 -14 L 20 -12 M -14 -33 "
        "L -10 -27 "
        "M 14 -33 L 10 -27 M -27 26 L -20 26 M 20 26 L 27 26",
        1.8,
        "5f5a6b",
    )
    pen.box(-30, 36, 60, 7, "8b8896", corner=2)


_LEAF = "M -20 37 L -20 -11 C -20 -26 -11 -32 0 -32 C 11 -32 20 -26 20 -11 L 20 37 Z"


def _door(pen: Pen) -> None:
    _door_frame(pen)
    pen.shape(_LEAF, "4f9f58", line=0)
    with pen.clipped(_LEAF):
        pen.stroke("M -7 -34 L -7 38 M 7 -34 L 7 38", 1.8, "2f6e3a")
        pen.box(-22, -12, 26, 5, DARK, line=0)
        pen.box(-22, 18, 26, 5, DARK, line=0)
    pen.shape(_LEAF, None)
    pen.oval(13, 8, 3.4, 3.4, GOLD, line=1.9)


def _door_open(pen: Pen) -> None:
    _door_frame(pen)
    pen.shape(_LEAF, "2a1d38")
    with pen.clipped(_LEAF):
        pen.polygon([(-20, 37), (-8, 26), (20, 26), (20, 37)], "6b4d5c", line=0)
    pen.shape(_LEAF, None)
    leaf = "M -20 37 L -20 -13 Q -20 -26 -30 -29 Q -42 -28 -43 -8 L -43 43 Z"
    pen.shape(leaf, "4f9f58", line=0)
    with pen.clipped(leaf):
        pen.stroke("M -28 -34 L -28 44 M -36 -34 L -36 44", 1.8, "2f6e3a")
        pen.polygon([(-20, -10), (-36, -9), (-36, -4), (-20, -5)], DARK, line=0)
        pen.polygon([(-20, 19), (-36, 21), (-36, 26), (-20, 24)], DARK, line=0)
    pen.shape(leaf, None)
    pen.oval(-39, 10, 2.6, 3.2, GOLD, line=1.8)


SHAPES: Shapes = {
    ("ladder", "whole"): around(-22, -43, 22, 43, _ladder, (-14, 0)),
    ("ladder", "broken"): around(-22, -43, 30, 43, _ladder_broken, (-14, 0)),
    ("rope", "whole"): around(-21, -23, 21, 28, _rope, (0, -14)),
    ("rope", "broken"): around(-24, -17.5, 24, 18.5, _rope_cut, (-18, 6)),
    ("spade", "whole"): around(-17, -29, 20, 26, _spade, (3, -7)),
    ("spade", "broken"): around(-23, -24, 33, 28, _spade_broken, (-8, -1)),
    ("net", "whole"): around(-36.5, -18.5, 19.5, 33.5, _net, (-23, 13)),
    ("net", "broken"): around(-36.5, -18.5, 19.5, 33.5, _net_torn, (-23, 13)),
    ("chest", "shut"): around(-34, -29, 34, 25, _chest, (0, 20)),
    ("chest", "open"): around(-35, -43, 35, 25, _chest_open, (0, 20)),
    ("sledge", "whole"): around(-39, -17, 43, 21, _sledge, (-26, -2)),
    ("sledge", "broken"): around(-43, -20, 41, 26.5, _sledge_broken, (-26, -4)),
    ("tent", "whole"): around(-45.5, -39, 45.5, 32.5, _tent, (0, 24)),
    ("tent", "broken"): around(-46.5, -35, 43, 30.5, _tent_broken, (0, 20)),
    ("fire", "lit"): around(-32, -35, 33, 31, _fire, (0, 20)),
    ("fire", "out"): around(-32, -27, 33, 31, _fire_out, (0, 20)),
    ("raft", "whole"): around(-43, -21.5, 42, 20.5, _raft, (0, 12)),
    ("raft", "broken"): around(-43, -24, 45, 25, _raft_broken, (0, 12)),
    ("door", "shut"): around(-31, -41, 31, 44, _door, (13, 8)),
    ("door", "open"): around(-44, -41, 31, 44, _door_open, (-39, 10)),
}
"""Big things and tools."""
