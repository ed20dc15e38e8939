"""Forms of English words: what a verb is in the past, what article a noun takes."""

from __future__ import annotations

import re

_PAST = {
    line.split()[0]: line.split()[1]
    for line in """
be was|beat beat|become became|begin began|bend bent|bind bound|bite bit|bleed bled|blow blew|break broke|bring brought|build built|burn burnt
burst burst|buy bought|catch caught|choose chose|cling clung|come came|cost cost|creep crept|cut cut|deal dealt|dig dug|do did
draw drew|dream dreamt|drink drank|drive drove|eat ate|fall fell|feed fed|feel felt|fight fought|find found|fling flung|fly flew
forbid forbade|forget forgot|forgive forgave|freeze froze|get got|give gave|go went|grow grew|hang hung|have had|hear heard|hide hid
hit hit|hold held|hurt hurt|keep kept|kneel knelt|know knew|lay laid|lead led|lean leant|leap leapt|learn learnt|leave left|lend lent|let let
lie lay|light lit|lose lost|make made|mean meant|meet met|mistake mistook|pay paid|put put|quit quit|read read|ride rode|ring rang|rise rose
run ran|say said|see saw|seek sought|sell sold|send sent|set set|sew sewed|shake shook|shine shone|shoot shot|show showed|shrink shrank
shut shut|sing sang|sink sank|sit sat|sleep slept|slide slid|sling slung|slip slipped|smell smelt|sneak sneaked|sow sowed|speak spoke|spell spelt|spend spent|spill spilt|spin spun|spit spat
split split|spoil spoilt|spread spread|spring sprang|stand stood|steal stole|stick stuck|sting stung|strew strewed|stride strode|string strung|strike struck|swear swore|sweep swept|swim swam|swing swung
take took|teach taught|tear tore|tell told|think thought|throw threw|thrust thrust|tread trod|understand understood|wake woke|wear wore|weave wove|weep wept|win won|wind wound
write wrote|undo undid|overhear overheard|withdraw withdrew|outgrow outgrew|unwind unwound|rebuild rebuilt|retell retold
""".replace("\n", "|").split("|")
    if line.strip()
}
_DOUBLED = set(
    """
    bat beg blot chat chop clap clip dab dip drag drip drop drum fan fit flap flip flop gab glug grab grin grip hop hug hum jab jog jot knit knot
    lap lug mop nap nod nab pad pat peg pet pin plan plod plop plug pop prop rap rip rob rub sag scrub scrap shrug sip skid skim skip slam slap slip slot
    snap snip snug sob spot squat stab step stir stop strap strip strum strut sun swap swat tag tap tip top tot trap trim trip trot tug unzip wag whip whir
    whiz wrap zap zip unwrap rot mob chug dot fret star scam refer admit commit prefer unpin unplug glum plot prod snub swab thud thin
    """.split()
)


def past(base: str) -> str:
    """`run` → `ran`, `hop` → `hopped`; a phrasal verb keeps its tail (`pick-up` is not one word)."""
    if base in _PAST:
        return _PAST[base]
    if base.endswith("e"):
        return base + "d"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    if base in _DOUBLED:
        return base + base[-1] + "ed"
    if base.endswith("c"):
        return base + "ked"
    if re.search(r"[aeiou]l$", base) and base not in (
        "peel",
        "feel",
        "sail",
        "wail",
        "heal",
        "kneel",
        "pool",
        "reel",
        "seal",
        "boil",
        "cool",
        "fool",
        "howl",
        "mail",
        "nail",
        "oil",
        "roll",
        "reveal",
        "steal",
        "toil",
        "trail",
        "appeal",
        "conceal",
        "curl",
        "crawl",
        "call",
        "pull",
        "fill",
        "spill",
    ):
        return base + "led" if re.search(r"[^aeiou][aeiou]l$", base) else base + "ed"
    return base + "ed"


def third(base: str) -> str:
    """`go` → `goes`, `carry` → `carries`."""
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if re.search(r"(s|x|z|ch|sh|o)$", base):
        return base + "es"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ies"
    return base + "s"


def ing(base: str) -> str:
    """`run` → `running`."""
    if base in ("be", "see", "flee", "free", "agree", "dye"):
        return base + "ing"
    if base in ("lie", "tie", "die"):
        return base[:-2] + "ying"
    if base.endswith("e"):
        return base[:-1] + "ing"
    doubled = _DOUBLED | set(
        "run sit get put cut dig hit let set shut spin swim win begin forget split quit spit".split()
    )
    if base in doubled:
        return base + base[-1] + "ing"
    if base.endswith("c"):
        return base + "king"
    if re.search(r"[^aeiou][aeiou]l$", base):
        return base + "ling"
    return base + "ing"


def plural_past(base: str) -> str:
    """The past of several."""
    return "were" if base == "be" else past(base)


def article(word: str) -> str:
    """`a` or `an` before a word."""
    lower = word.lower()
    if re.match(r"(uni|use|usu|eu|one\b|once)", lower):
        return "a"
    if re.match(r"(hour|honest|heir|hono)", lower):
        return "an"
    return "an" if lower[:1] in "aeiou" else "a"
