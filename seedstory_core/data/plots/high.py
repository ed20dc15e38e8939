# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""Something is stuck high up, and friends find a way to reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

TEXT = """
== high.open
{Once}, {A} hopped around with {a prop} {in place}. Nothing in the world made {A.him} happier. ## A jump happy, prop A @ -key -lantern -umbrella
{Once}, {A} skipped about {in place} with {A.own} new {prop}. "Look how (fine|lovely) it is!" {A.he} sang. ## A jump happy, prop A
{Once}, {A} danced {in place} with {a prop} in {A.own} {A.paw}, (humming a tune|singing a silly song). ## A jump happy, prop A
{Once}, {A} walked about {in place}. {A.He} held {A.own} {prop} out to every (beetle|snail|butterfly) on the way. ## A walk happy, prop A @ outdoors clear -mountain
{Once}, {A} sat {in place} and played with {a prop}. "You are my favourite thing," {A.he} told it. ## A sit happy, prop A
--
"Nothing can go wrong today," said {A}, full of joy. ## A happy
"I will never let you go," {A} promised [with a laugh].
>> {A} is playing with {the prop} {in place} ## A happy, prop A
>> {A} has {a prop} and jumps around {in place}. ## A jump, prop A
>> Once upon a time {A} was {in place} with {a prop}. ## A happy, prop A
>> Story about {A} and {a prop} {in place}. ## prop A

== high.wind
(But all|All) at once a gust of wind (took|tore|blew) {the prop} away from {A}, who gasped. Now it hung {high}. ## A surprised, prop high @ outdoors
Whoosh! A gust of wind carried {the prop} away, and {A} (stared after it|gasped). Now it hung {high}. ## A surprised, prop high @ outdoors
{A} let go for (just one|a tiny) moment, and the wind carried {the prop} away. {A.He} was startled, for now it was stuck {high}. ## A surprised, prop high @ outdoors
{A} threw {the prop} into the air with all {A.own} might, and to {A.own} surprise it landed {high}. ## A surprised, prop high @ ball
{A} tossed {the prop} up for fun, much too hard. {A.He} stared, for it (landed|came to rest) {high}. ## A surprised, prop high @ indoors ball|apple|gift|drum|book
{A} spun around too wildly, and {the prop} flew out of {A.own} {A.paw}. It landed {high}, and {A} stared. ## A surprised, prop high @ -lantern
--
"Oh no!" called {A}[, and {A.he} looked up]. "How will I ever get it down?"
"Come back!" called {A}, but it did not come back.
{A} looked up with open mouth and did not know what to say.
{A.He} was so surprised that {A.he} forgot to close {A.own} mouth. ## A surprised
>> oh no, {the prop} is stuck {high} ## prop high
>> The wind takes {the prop} and it gets stuck {high}. ## prop high @ outdoors
>> {A} loses {the prop} and now it is {high} ## A surprised, prop high
>> {the prop} flies up and {A} is %rsurprised ## A surprised, prop high

== high.jump
{A} (jumped|leapt) as high as {A.he} could, but {the prop} hung [far] too high (for such short legs|for {A.him}). ## A jump, prop high
{A} tried to jump. {A.He} jumped three times, but {A.he} could not touch {the prop} {high}. ## A jump, prop high
"I will just jump!" said {A}. But every jump ended on the ground, and {the prop} stayed {high}. ## A jump, prop high
Up and down {A} bounced like a grasshopper, yet {the prop} {high} was still much too far away. ## A jump, prop high @ -ball
-- +pool.try
"Too short," grumbled {A} and looked at {A.own} legs. "Only by the length of my arm." ## A cross
{A} was (cross|angry), because only the length of an arm was missing. ## A cross
"I need longer legs," {A} sighed, "or taller friends." ## A sad
>> {A} jumps and jumps but cant reach {the prop} ## A jump, prop high
>> {A} jumps up to get {the prop} back, but it is too high. ## A jump, prop high
>> {A} tries to jump to {the prop} {high} ## A jump, prop high

== high.stick
{A} took a long stick and pointed it at {the prop} {high}, but the stick was (one arm|a little bit) too short. ## A point, prop high
{A} found a long broom and stretched, but {the prop} {high} only wobbled and stayed where it was. ## A point, prop high
With a long stick {A} reached up to {the prop} {high}. The stick bent, the stick broke, and that was that. ## A point, prop high
{A} stretched out a long stick and poked {the prop} a little, but it was stuck fast {high}. ## A point, prop high
-- +pool.alone
"Almost!" called {A}. "If only I stood a little higher!"
{A} frowned at the stick, as if it were to blame. ## A cross
{A} sighed, because {A.he} was so near and yet too low. ## A sad
>> {A} takes a stick and points at {the prop} but it is too short ## A point, prop high
>> {A} pokes {the prop} with a long stick ## A point, prop high

== high.help
{B} came along and saw {A}, who pointed up at {the prop} {high}. "Will you help me?" asked {A} sadly. ## B walk, A point sad, prop high
Just then {B} walked by. {A} pointed to {the prop} {high} and told the whole sad story. ## B walk, A point sad, prop high
Somebody came whistling along the way, and it was {B}. {A} sadly pointed at {the prop} {high}. ## B walk, A point sad, prop high @ outdoors
The door opened, and {B} came in. {A} pointed up at {the prop} {high} and sighed [deeply]. ## B walk, A point sad, prop high @ indoors
"Hello, why so gloomy?" called {B} and came closer. {A} pointed at {the prop} {high}. ## B walk, A point sad, prop high
--
"That is high," said {B}, "but we are two now."
"Don't worry," said {B}, "I have never met a thing that stayed up for ever."
"Leave it to me," said {B}, for {B.he} was brave[, even when it was wiser not to be]. @ B=duck
"Let us look at it from all sides," said {B}, who was curious about everything. @ B=fox
"We must only be patient," said {B}. "I am good at that." @ B=elephant
>> {B} comes along and {A} shows {B.him} {the prop} {high} ## B walk, A point, prop high
>> {B} wants to help. {A} points at {the prop} {high}. ## A point, prop high

== high.box
{B} found an old box. {A} climbed on top and reached for {the prop} {high}, but the box wobbled, and {A} was startled. ## A point surprised, prop high
Together they pushed a box close. {A} stood on it and stretched for {the prop} {high}, while {B} held the box. ## A point, prop high
{B} dragged a wooden box along. {A} stood on top and stretched, yet {the prop} {high} was one arm too far. ## A point, prop high
-- +plain
"A box is good, but it is not enough," said {B}, and {B.he} scratched {B.own} head.
"So close!" groaned {A}. "Just one friend higher, and I would have it!"
"It wobbles because it stands all alone," said {B}, who thought it over.
>> {B} brings a box, {A} climbs on it and reaches for {the prop} ## A point, prop high
>> they try it with a box but {A} still cant reach {the prop} ## A point, prop high

== high.sad
Very sad, {A} sat down {ground}. {B} sat down too, and for a while they said nothing at all. ## A sit sad, B sit
{A} sat down {ground} and sniffed. "It is too high for us," {A.he} said (sadly|with a sad voice). {B} sat close by. ## A sit sad, B sit
"We will never get it," sobbed {A} and sat down {ground}, and {B} did not know what to say. ## A sit sad
{A} was so (sad|unhappy) that {A.he} sat down and hid {A.own} face. {B} waited patiently. ## A sit sad
--
"Let us rest a little," said {B}, "good ideas come when nobody is looking."
"Cry if you like," said {B} softly, "and then we will think."
{B.He} gave {A} a piece of bread, because nobody can think when they are hungry.
>> {A} sits down and is very %rsad. {B} sits next to {A.him}. ## A sit sad, B sit
>> {A} cries and {B} sits down with {A.him} ## A sit sad, B sit

== high.laugh
{C} came strolling along and looked at {A} and {B}. "Are you two counting the flies up there?" {C.he} asked. ## C walk
Then {C} hurried past. "Have you tried asking it nicely?" {C.he} called. {A} and {B} frowned. ## C walk, A cross, B cross
{C} came along, looked up, and was amazed. "I am glad that it is not mine," {C.he} told {A} and {B}. ## C walk surprised
--
"Only a tower could reach up there," said {C} and went on.
{A} was much too cross to laugh about it. ## A cross
>> {C} comes along and laughs at {A} and {B} ## C walk happy, A cross, B cross

== high.idea
{A} thought about everything they had tried. "The box was one arm too low, and you, {B}, are taller than an arm!"
"Wait!" whispered {A}. "One friend is too low, but one friend on top of another is just right, {B}!"
Then {A} had an idea, and {A.own} face lit up. "{B}, what if I climb onto your shoulders?" 
"One arm is missing," thought {A}, "and {B} is much longer than an arm!" {A.His} face lit up. 
-- +plain
{B} nodded [so hard that {B.own} {B.ears} shook]. "A tower of friends!" {B.he} said.
"I am strong enough for that," said {B} proudly.
"Why did we not think of it before?" laughed {B}.
>> {A} has an idea! {B} should carry {A.him} ## A happy
>> {A} thinks and then tells {B} a clever plan ## A happy

== high.tower
{A} climbed onto {B.his} shoulders, reached up high, and caught {the prop} at last. ## A point happy, prop A
{A} stood on top of {B}, reached out, and took {the prop} down. {B} kept as still as a tree. ## A point happy, prop A
"Up I go!" said {A}, and {B} stood still. {A} stretched and stretched, and there it was: {the prop} was in {A.own} {A.paw}! ## A point happy, prop A
One, two, three, {A} stood on {B.his} back, reached out, and pulled {the prop} free. ## A point happy, prop A
-- +plain
"We did it!" {they} shouted.
It was a wobbly tower, but it was a very good one.
"Are you still whole down there?" called {A}. "Almost!" laughed {B}.
>> {A} climbs on {B.his} shoulders and gets {the prop} ## A point, prop A
>> {A} reaches up from {B.his} back and takes {the prop} ## A point, prop A
>> they make a tower and {A} gets {the prop} back! ## A happy, prop A

== high.thanks
{A} hugged {the prop} and then {B}. "Thank you, {B}, without your shoulders it would stay there for ever!" ## A happy, prop A
"Thank you, dear {B}!" said {A} and held {the prop} tight. "You are the best tower in the world." ## prop A
{A} jumped for joy with {the prop}. "Thank you for your strong shoulders, {B}!" {A.he} called. ## A jump happy, prop A
--
{B} blushed and did not know where to look.
"It was nothing," said {B}, but {B.he} looked very proud.
"Next time I will be the one on top," said {B} and laughed.
>> {A} thanks {B} and hugs {the prop} ## A happy, prop A

== high.close
{A} let {B} hold {the prop} too, and they (danced|skipped) about together until it was time for bed. ## A jump, B jump, prop B
{A} and {B} danced around with {the prop} for a long, long time, but this time {A} held it well. ## A jump, B jump, prop A
"Your turn!" said {A} and gave {the prop} to {B}, who jumped for joy. They played on and on together. ## B jump, prop B
Then {A} handed {the prop} to {B}. They took turns and danced, and nobody let go of it again. ## A jump, B jump, prop B
-- +plain
And whenever something was too high, they knew what to do.
And from that day on they called themselves the Tower Team.
"Higher than us," they said, "there is only the moon."
"""


def stuck_high(t: Teller) -> None:
    """Something light is out of reach, and two friends are taller than one."""
    t.fixed = set()
    t.tell("high.open", hold="A")
    t.tell("high.wind", hold="high")
    t.change_weather(0.12)
    first = t.pick("jump", "stick")
    t.tell(f"high.{first}")
    if t.chance(0.7):
        t.tell("high.jump" if first == "stick" else "high.stick")
    t.tell("high.help")
    t.tell("high.box")
    t.pass_time(0.5)
    t.change_weather(0.15)
    t.tell("high.sad")
    if t.chance(0.5):
        t.tell("high.laugh")
    t.tell("high.idea")
    t.tell("high.tower", hold="A", free=False)
    t.tell("high.thanks", free=False)
    t.pass_time(0.3)
    t.tell("high.close", hold=t.pick("A", "B") if t.time == "day" else "B", end=True, free=False)
