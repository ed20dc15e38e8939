"""The words of the storybook language: what things are called, and what a reader may call them.

Everything visible has a word, and the word always means the same. The storyteller uses the plain
words; readers may also use the synonyms listed here. `grammar.py` turns these tables into text and
back.
"""

from __future__ import annotations

import re

from seedstory_core.data.world import CHARACTERS

NAMES = {species: character.name for species, character in CHARACTERS.items()}
PRONOUNS = {
    "he": {"he": "he", "him": "him", "his": "his", "own": "his", "self": "himself"},
    "she": {"he": "she", "him": "her", "his": "her", "own": "her", "self": "herself"},
}

BODY: dict[str, dict[str, str]] = {
    # the part that holds and waves · the part that droops when sad · the part that sniffs
    "fox": {"paw": "paw", "ears": "ears", "nose": "nose", "went": "trotted"},
    "bear": {"paw": "paw", "ears": "ears", "nose": "nose", "went": "plodded"},
    "rabbit": {"paw": "paw", "ears": "long ears", "nose": "nose", "went": "scurried"},
    "penguin": {"paw": "flipper", "ears": "flippers", "nose": "beak", "went": "waddled"},
    "frog": {"paw": "hand", "ears": "shoulders", "nose": "nose", "went": "strolled"},
    "elephant": {"paw": "hand", "ears": "big ears", "nose": "trunk", "went": "plodded"},
    "cat": {"paw": "paw", "ears": "ears", "nose": "nose", "went": "padded"},
    "duck": {"paw": "wing", "ears": "wings", "nose": "beak", "went": "waddled"},
}

IN_PLACE: dict[str, tuple[str, ...]] = {
    "beach": ("at the beach", "on the beach", "on the sandy beach", "by the sea"),
    "forest": ("in the forest", "in the deep forest", "among the trees of the forest"),
    "village": ("in the village", "in the village square", "in the little village"),
    "kitchen": ("in the kitchen", "in the warm kitchen"),
    "mountain": ("on the mountain", "on the snowy mountain", "high on the mountain"),
    "garden": ("in the garden", "in the little garden"),
    "pond": ("by the pond", "at the pond", "at the edge of the pond"),
    "library": ("in the library", "in the quiet library"),
    "hill": ("on the hill", "on the windy hill", "on the hill by the windmill"),
    "bedroom": ("in the bedroom", "in the cosy bedroom"),
}
TO_PLACE: dict[str, tuple[str, ...]] = {
    "beach": ("to the beach", "down to the sea", "to the sandy beach"),
    "forest": ("to the forest", "into the forest", "into the deep forest"),
    "village": ("to the village", "into the village", "to the village square"),
    "kitchen": ("to the kitchen", "into the kitchen", "into the warm kitchen"),
    "mountain": ("to the mountain", "up the snowy mountain", "up the mountain"),
    "garden": ("to the garden", "into the garden", "into the little garden"),
    "pond": ("to the pond", "to the edge of the pond", "down to the pond"),
    "library": ("to the library", "into the library", "into the quiet library"),
    "hill": ("to the hill", "up the hill", "up the hill to the windmill"),
    "bedroom": ("to the bedroom", "into the bedroom", "into the cosy bedroom"),
}
READER_PLACES: dict[str, tuple[str, ...]] = {
    "beach": ("beach", "seashore", "seaside", "shore"),
    "forest": ("forest", "woods", "wood"),
    "village": ("village", "town"),
    "kitchen": ("kitchen",),
    "mountain": ("mountain", "mountains", "snowy mountain"),
    "garden": ("garden", "yard"),
    "pond": ("pond", "lake"),
    "library": ("library",),
    "hill": ("hill", "windmill", "windmill hill"),
    "bedroom": ("bedroom",),
}
GROUND: dict[str, tuple[str, ...]] = {
    "beach": ("on the sand", "on the ground"),
    "forest": ("on the moss", "on the ground"),
    "village": ("on the ground", "on the stones"),
    "kitchen": ("on the floor", "on the kitchen floor"),
    "mountain": ("on the snow", "on the ground"),
    "garden": ("on the grass", "on the ground"),
    "pond": ("on the bank", "on the ground"),
    "library": ("on the floor", "on the library floor"),
    "hill": ("on the grass", "on the ground"),
    "bedroom": ("on the floor", "on the rug"),
}
HIGH_OUTDOORS = ("high up in the branches", "at the top of a tree", "on the highest branch")
HIGH_INDOORS = ("on the top shelf", "high up on the shelf", "on the highest shelf")

ONCE: dict[tuple[str, str], tuple[str, ...]] = {
    ("day", "clear"): (
        "one sunny morning",
        "one fine day",
        "one bright afternoon",
        "on a sunny day",
        "on a bright morning",
    ),
    ("dusk", "clear"): (
        "one golden evening",
        "one evening at sunset",
        "one quiet evening",
        "on a clear evening, as the sun went down",
    ),
    ("night", "clear"): (
        "one starry night",
        "one clear night",
        "late one starry night",
        "on a clear and quiet night",
    ),
    ("day", "rain"): ("one rainy morning", "one rainy day", "on a wet and rainy afternoon"),
    ("dusk", "rain"): ("one rainy evening", "on a wet and rainy evening"),
    ("night", "rain"): ("one rainy night", "on a dark and rainy night"),
    ("day", "snow"): ("one snowy morning", "one snowy day", "on a cold and snowy afternoon"),
    ("dusk", "snow"): ("one snowy evening", "on a cold and snowy evening"),
    ("night", "snow"): ("one snowy night", "on a cold and snowy night"),
}
LINK: dict[tuple[str, str], tuple[str, ...]] = {
    ("day", "clear"): (
        "the next morning, under a blue sky",
        "a few days later, when the sun was shining",
        "the next day, in bright sunshine",
        "one sunny morning soon after",
    ),
    ("dusk", "clear"): (
        "the next evening, as the sun went down in a clear sky",
        "a few days later, on a golden evening",
        "one clear evening soon after",
    ),
    ("night", "clear"): (
        "the next night, under a sky full of stars",
        "a few days later, on a starry night",
        "one clear night soon after",
    ),
    ("day", "rain"): (
        "the next morning, while it rained",
        "a few days later, on a rainy day",
        "one rainy morning soon after",
    ),
    ("dusk", "rain"): ("the next evening, while it rained", "one rainy evening soon after"),
    ("night", "rain"): ("the next night, while it rained", "one rainy night soon after"),
    ("day", "snow"): (
        "the next morning, while it snowed",
        "a few days later, on a snowy day",
        "one snowy morning soon after",
    ),
    ("dusk", "snow"): ("the next evening, while it snowed", "one snowy evening soon after"),
    ("night", "snow"): ("the next night, while it snowed", "one snowy night soon after"),
}

HERE = ("a little later", "soon after that", "not long after that", "and then")
"""Where a tale begins in the panel after its reader's first one, at the same place and time."""

CARRY: dict[str, tuple[str, ...]] = {
    # after a name: `Mira, with the kite under her arm,`
    "ball": ("with the ball under {own} arm", "with the ball in {own} {paw}"),
    "balloon": ("with the balloon on its string", "with the balloon in {own} {paw}"),
    "book": ("with the book under {own} arm", "with the book in {own} {paw}"),
    "cake": ("with the cake on a plate", "carrying the cake on a plate"),
    "lantern": ("with the lantern in {own} {paw}", "carrying the lantern"),
    "umbrella": ("with the umbrella in {own} {paw}", "carrying the umbrella"),
    "kite": ("with the kite under {own} arm", "with the kite in {own} {paw}"),
    "apple": ("with the apple in {own} {paw}", "holding the apple"),
    "flower": ("with the flower in {own} {paw}", "holding the flower"),
    "drum": ("with the drum under {own} arm", "carrying the drum"),
    "boat": ("with the boat under {own} arm", "carrying the boat"),
    "key": ("with the key in {own} {paw}", "holding the key"),
    "gift": ("with the gift under {own} arm", "carrying the gift"),
}
READER_PROPS: dict[str, tuple[str, ...]] = {
    "ball": ("ball",),
    "balloon": ("balloon",),
    "book": ("book", "storybook"),
    "cake": ("cake", "pie"),
    "lantern": ("lantern", "lamp"),
    "umbrella": ("umbrella", "brolly"),
    "kite": ("kite",),
    "apple": ("apple",),
    "flower": ("flower", "tulip"),
    "drum": ("drum",),
    "boat": ("boat", "sailboat"),
    "key": ("key",),
    "gift": ("gift", "present", "parcel"),
}
READER_SPECIES: dict[str, tuple[str, ...]] = {
    "fox": ("fox",),
    "bear": ("bear", "teddy"),
    "rabbit": ("rabbit", "bunny", "hare"),
    "penguin": ("penguin",),
    "frog": ("frog", "froggy"),
    "elephant": ("elephant",),
    "cat": ("cat", "kitty"),
    "duck": ("duck", "ducky", "duckling"),
}

OTHER_NAMES = (
    *("Tom", "Lisa", "Max", "Anna", "Leo", "Lily", "Ben", "Sophie", "Charlie", "Emma", "Noah"),
    *("Rosie", "Sam", "Luna", "Fritz", "Mia", "Oskar", "Paula", "Jack", "Nora", "Theo", "Ida"),
)
"""What readers call somebody who has another name here, or does not live here."""

DOINGS = (
    # what readers let somebody do though nobody here can draw it: do, does, did, doing
    ("climb a tree", "climbs a tree", "climbed a tree", "climbing a tree"),
    ("paint a picture", "paints a picture", "painted a picture", "painting a picture"),
    ("write a letter", "writes a letter", "wrote a letter", "writing a letter"),
    ("get a letter", "gets a letter", "got a letter", "opening a letter"),
    ("build a castle", "builds a castle", "built a castle", "building a castle"),
    ("build a house", "builds a house", "built a house", "building a house"),
    ("eat honey", "eats honey", "ate honey", "eating honey"),
    ("eat ice cream", "eats ice cream", "ate ice cream", "eating ice cream"),
    ("cook soup", "cooks soup", "cooked soup", "cooking soup"),
    ("bake bread", "bakes bread", "baked bread", "baking bread"),
    ("drink tea", "drinks tea", "drank tea", "drinking tea"),
    ("sing a song", "sings a song", "sang a song", "singing a song"),
    ("play hide and seek", "plays hide and seek", "played hide and seek", "playing hide and seek"),
    ("look for treasure", "looks for treasure", "looked for treasure", "looking for treasure"),
    ("look for a hat", "looks for a hat", "looked for a hat", "looking for a hat"),
    ("find a map", "finds a map", "found a map", "reading a map"),
    ("lose a shoe", "loses a shoe", "lost a shoe", "looking for a shoe"),
    ("count the clouds", "counts the clouds", "counted the clouds", "counting the clouds"),
    ("learn to read", "learns to read", "learned to read", "learning to read"),
    ("learn to swim", "learns to swim", "learned to swim", "learning to swim"),
    ("ride a bike", "rides a bike", "rode a bike", "riding a bike"),
    ("drive a bus", "drives a bus", "drove a bus", "driving a bus"),
    ("catch a fish", "catches a fish", "caught a fish", "catching a fish"),
    ("dig a hole", "digs a hole", "dug a hole", "digging a hole"),
    ("clean the windows", "cleans the windows", "cleaned the windows", "cleaning the windows"),
    ("hear a strange noise", "hears a strange noise", "heard a strange noise", "listening"),
    ("see a rainbow", "sees a rainbow", "saw a rainbow", "looking at a rainbow"),
    ("have a dream", "has a dream", "had a dream", "dreaming"),
    ("have a secret", "has a secret", "had a secret", "keeping a secret"),
    ("have a great idea", "has a great idea", "had a great idea", "thinking hard"),
    ("collect shells", "collects shells", "collected shells", "collecting shells"),
    ("pick berries", "picks berries", "picked berries", "picking berries"),
    ("go on a trip", "goes on a trip", "went on a trip", "going on a trip"),
    ("go fishing", "goes fishing", "went fishing", "going fishing"),
    ("go shopping", "goes shopping", "went shopping", "going shopping"),
    ("set off", "sets off", "set off", "setting off"),
    ("take a nap", "takes a nap", "took a nap", "taking a nap"),
    ("make music", "makes music", "made music", "making music"),
    ("make a plan", "makes a plan", "made a plan", "making a plan"),
    ("meet a bee", "meets a bee", "met a bee", "talking to a bee"),
    ("tell a joke", "tells a joke", "told a joke", "telling a joke"),
    ("wear a funny hat", "wears a funny hat", "wore a funny hat", "wearing a funny hat"),
    ("become a doctor", "becomes a doctor", "became a doctor", "playing doctor"),
    ("feed the birds", "feeds the birds", "fed the birds", "feeding the birds"),
    ("watch the birds", "watches the birds", "watched the birds", "watching the birds"),
    ("wash the dishes", "washes the dishes", "washed the dishes", "washing the dishes"),
    ("help grandmother", "helps grandmother", "helped grandmother", "helping grandmother"),
    ("follow a butterfly", "follows a butterfly", "followed a butterfly", "chasing a butterfly"),
    ("fall into a puddle", "falls into a puddle", "fell into a puddle", "splashing in a puddle"),
    ("solve a riddle", "solves a riddle", "solved a riddle", "solving a riddle"),
)

# Mood words: `%sad` in a template is one of these. The words of the second line are the reader's.
MACROS: dict[str, str] = {
    "sad": "(sad|unhappy|very sad|gloomy)",
    "cross": "(cross|angry|grumpy|very cross)",
    "sleepy": "(sleepy|tired|very tired|drowsy)",
    "surprised": "(surprised|amazed|astonished|quite surprised)",
    "happy": "(happy|glad|very happy|delighted)",
    "rsad": "(sad|unhappy|upset|sorrowful)",
    "rcross": "(cross|angry|grumpy|mad)",
    "rsleepy": "(sleepy|tired|exhausted|drowsy)",
    "rsurprised": "(surprised|amazed|shocked|astonished)",
    "rhappy": "(happy|glad|joyful|cheerful)",
    "rname": f"({'|'.join(OTHER_NAMES)})",
    "rdo": f"({'|'.join(doing[0] for doing in DOINGS)})",
    "rdoes": f"({'|'.join(doing[1] for doing in DOINGS)})",
    "rdid": f"({'|'.join(doing[2] for doing in DOINGS)})",
    "rdoing": f"({'|'.join(doing[3] for doing in DOINGS)})",
    "soon": "(soon|before long|a little later|after a while)",
    "Soon": "(Soon|Before long|A little later|After a while)",
    "wish": "(dragon|dinosaur|unicorn|robot|ghost|monster|giant|rocket|pirate|witch|tiger|train)",
    "long": "(for a long time|for a while|again and again)",
    "thing": "(thing|treasure)",
}

CLOSE_MARKERS = re.compile(
    r"\b(thought|wondered|whispered|murmured|smile spread over|tear rolled|blushed"
    r"|closed (?:his|her) eyes|face lit up)\b"
)
"""A caption with one or two actors and one of these is seen from near by."""
BACK_MARKERS = re.compile(r"\b(turned|walked|looked|hurried|went|ran) back\b")
"""Somebody alone faces left when the caption says one of these."""

MOOD_WORDS: dict[str, frozenset[str]] = {
    mood: frozenset(text.split())
    for mood, text in {
        "happy": "happy glad cheerful delighted joyful joy smile smiled smiles laugh laughed "
        "laughs grinned merry proud proudly",
        "sad": "sad sadly unhappy gloomy upset sorrowful sighed sighs sigh sob sobs sobbed sobbing "
        "wept tear tears drooped sniffed lonely worried afraid shy shyly disappointed cries cry "
        "crying sorry ashamed",
        "surprised": "surprised surprise amazed astonished shocked startled gasped stared "
        "frightened scared",
        "cross": "cross crossly angry grumpy mad frowned frowns frown grumbled grumbles grumble "
        "stamped scowled huffed annoyed",
        "sleepy": "sleepy sleepily tired exhausted drowsy yawned yawns yawn weary asleep sleeps "
        "sleep slept sleeping nap snored",
    }.items()
}
"""The words that tell a mood. A reader's line shows a mood only if it holds one of these."""
POSE_WORDS: dict[str, frozenset[str]] = {
    pose: frozenset(text.split())
    for pose, text in {
        "wave": "waved waves waving wave greets hello",
        "sit": "sat sits sit sitting settled knelt rest",
        "walk": "walked walks walk walking hurried hurries strolled marched trotted waddled padded "
        "plodded scurried followed follows tiptoed tiptoeing wandered ran runs run running came "
        "went goes go comes come crept stamping arrive joins",
        "jump": "jumped jumps jump jumping hopped hops hop leapt leaps bounced danced dances dance "
        "dancing skipped swim",
        "point": "pointed points point pointing reached reaches reach reaching stretched stretches "
        "stretch stretching showed shows show",
    }.items()
}
"""The words that tell a pose, likewise."""
