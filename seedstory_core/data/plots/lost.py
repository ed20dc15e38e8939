# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""Something is lost and found again: by thinking back, or by a wave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

TEXT = """
== lost.open
{Once}, {A} strolled about {in place} with {a prop} in {A.own} {A.paw}. {A.He} waved to every bird on the way. ## A wave happy, prop A @ outdoors
{Once}, {A} was {in place} and carried {A.own} new {prop} everywhere. {A.He} waved to all the neighbours. ## A wave happy, prop A
{Once}, {A} came {to place} with {a prop}. {A.He} hummed, waved to everybody, and looked at all the pretty things. ## A wave happy, prop A
{Once}, {A} walked around {in place} with {A.own} dear {prop}, stopping here and there to wave hello. ## A walk happy, prop A
--
"I will never ever lose you," {A.he} promised {the prop}. ## prop A @ -reader
"I will never ever lose you," {A} told {the prop} and waved to a friend. ## prop A @ reader
It had come from {A.own} grandmother, and {A} loved it dearly. @ -reader
"We two belong together," said {A} and laughed. @ -reader
"We two belong together," said {A} and waved to a neighbour. @ reader
>> {A} is {in place} with {a prop} ## A happy, prop A
>> {A} carries {the prop} around {in place} ## A walk, prop A
>> once there was {A} {in place} who loved {A.own} {prop} ## prop A
>> {A} walks {in place} and has {a prop}. ## A walk, prop A

== lost.gone
(Some time later|A moment later) {A} looked at {A.own} {A.paw} and was startled. It was empty! "It is gone!" {A.he} called. ## A surprised
{A} wanted to wave once more, but then {A.he} gasped. {A.His} {A.paw} was empty, and {A.own} treasure was gone! ## A surprised
"Now where did I put it?" asked {A}. {A.He} looked to the left and to the right, and stared, for it was gone. ## A surprised
{A} looked down and was (surprised|startled). Where was the thing that {A.he} had just been holding? ## A surprised
--
{A.His} heart began to beat fast.
"I had it just now!" called {A}. "Things don't have legs!"
{A} turned {A.own} pockets inside out, but there were only crumbs.
>> {A} loses it and is %rsurprised ## A surprised
>> it is gone! {A} can't find it ## A surprised
>> suddenly {A} doesn't have it anymore ## A surprised

== lost.search
{A} ran around and (looked|searched) under every stone and behind every bush. {A.He} found a snail, a button and an old sock, but not {A.own} treasure. ## A walk @ outdoors
{A} crept under the table and behind the curtain. {A.He} found a spoon, a button and an old sock, and nothing else. ## A walk @ indoors
High and low {A} searched, walking in circles until {A.he} was dizzy, but the treasure was nowhere to be seen. ## A walk
{A} ran here and ran there, so fast that {A.he} almost met {A.self}, but the treasure was nowhere. ## A walk
--
{A} grew cross with {A.self}, because {A.he} had not paid attention. ## A cross
"Hello?" called {A}, but lost things seldom answer.
"I ran much too fast to see anything," {A} grumbled. ## A cross
{A} sighed, because it had come from {A.own} grandmother. ## A sad
>> {A} looks everywhere but cant find it ## A walk
>> {A} searches and searches ## A walk
>> {A} walks around and looks for it. ## A walk

== lost.ask
{B} walked up and asked, "What are you looking for?" {A} told {B.him} everything, and {A.own} voice was very sad. ## B walk, A sad
A little farther on {A} met {B}, who was walking by. "I have lost my treasure," said {A} and sniffed. ## B walk, A sad @ outdoors
"Why are you running around?" asked {B}, who had just come along. {A} sniffed and told {B.him} what was lost. ## B walk, A sad
Just then {B} came by and waved. {A} was too sad to wave back, and {A.he} told {B.him} why. ## B wave, A sad
--
"Four eyes see more than two," said {B}.
"Then let us search slowly," said {B}, "and look at everything twice." @ B=elephant|penguin|bear
"I will find it before you can blink!" called {B}. @ B=rabbit|duck
"What a riddle," said {B}, "I love riddles!" @ B=fox|cat|frog
"Nothing is lost for ever," said {B} kindly.
>> {B} comes and asks what is wrong. {A} is %rsad. ## B walk, A sad
>> {B} wants to help {A} look for it
>> {A} tells {B} about it and is %rsad ## A sad

== lost.false
{B} pointed at something bright in the shadows. {A} hurried closer, but it was only a shiny stone. ## B point, A walk
"There!" called {B} and pointed. {A} jumped for joy, but it turned out to be just an old hat. ## B point, A jump
{A} (discovered|found) footprints and followed them with {B}. They went all the way around and ended at their own feet. ## A walk, B walk
{B} showed {A} a dark shape, and both tiptoed nearer. It was only a sleeping hedgehog, who snored. ## A walk, B point @ outdoors
--
"Well, at least we found something," said {B}.
"That would have been too easy," {A} sighed. ## A sad
{A} frowned, because {A.he} had been so sure. ## A cross
>> {B} finds something but it is the wrong thing ## B point
>> {B} points at something, but it is only a stone ## B point

== lost.sad
{A} sat down {ground}, and a tear rolled down {A.own} {A.nose}. "I will never see it again," {A.he} whispered to {B}. ## A sit sad
"It is no use," said {A}, and sat down {ground}, very sad. {B} sat down as well. ## A sit sad, B sit
Their legs were tired now. {A} and {B} sat down {ground}, and {A} was so sad that {A.he} could not even talk. ## A sit sad, B sit sleepy
{B} sat down {ground} to rest {B.own} tired feet. {A} sat down too, sniffed, and looked at {A.own} empty {A.paw}. ## A sit sad, B sit sleepy
--
"You see best with your eyes closed," {B} said all of a sudden. "Think back!"
"My grandmother always says, go back in your head before you go back on foot," said {B}.
"When I lose something, I think of the last moment I had it," said {B}.
>> {A} sits down and is %rsad ## A sit sad
>> {A} and {B} are tired and sit down ## A sit, B sit sleepy
>> {A} cries because it is lost. {B} sits with {A.him}. ## A sit sad, B sit

== lost.idea
{A} closed {A.own} eyes and thought back. "I was waving, {B}! And to wave, I had to put it down!"
"What did I do last?" wondered {A}. "I waved! And nobody can wave with a full {A.paw}, {B}!"
{A} thought of everything {A.he} had done. Then {A.own} face lit up. "The waving, {B}! I put it down so that I could wave!"
"I ran around so fast," thought {A}, "but I never went back to where I waved." {A.He} told {B} at once.
-- +plain
"Then it lies where you waved," said {B}, quite surprised. ## B surprised
"Then we only need to find that spot," said {B} happily.
"You see?" laughed {B}. "Your head did not lose anything."
>> {A} remembers that {A.he} waved and put it down ## A happy
>> {A} thinks back and has an idea ## A happy

== lost.found
{A} and {B} hurried to the spot where it all began. And there lay {the prop} {ground}, as if it had only waited for them! ## A walk happy, B walk happy, prop ground
{A} walked to the very spot with {B}, and {A} pointed and laughed. {The prop} lay {ground}! ## A point happy, prop ground
There it was! {The prop} lay {ground}, exactly where {A} had waved. {A} jumped for joy, and {B} jumped too. ## A jump happy, B jump happy, prop ground
{B} saw it first. {B.He} pointed, and there lay {the prop} {ground}, safe and sound. {A} was delighted. ## B point happy, A happy, prop ground
--
"You waited for me!" called {A}.
"Hello, you old runaway!" laughed {B}.
A ladybird sat on it and looked surprised, too.
>> they find {the prop} {ground}! {A} is happy ## A happy, prop ground
>> {A} and {B} go back and there is {the prop} {ground} ## A walk, B walk, prop ground

== lost.hug
{A} picked {the prop} up and pressed it to {A.own} heart. "Thank you, {B}, we think much better together!" {A.he} said. ## A happy, prop A
{A} took {the prop} in both arms and danced. "Thank you, dear {B}!" {A.he} sang. ## A jump happy, prop A
"Never again will I put you down," said {A} to {the prop}, and then {A} thanked {B} with a big hug. ## A happy, prop A
{A} held {the prop} up high for {B} to see. "Without you, {B}, it would still lie there!" {A.he} said. ## A happy, prop A
--
"You are welcome," said {B}, "and now I know what to do when I lose my hat."
{B} smiled from ear to ear.
"The way to it was in your head all along," said {B}.
>> {A} picks up {the prop} and thanks {B} ## A happy, prop A
>> {A} is so %rhappy to have {the prop} again ## A happy, prop A

== lost.meet
On the way they met {C}, who was walking by. "Found something?" asked {C}. {A} laughed, held up {the prop}, and told the whole story. ## C walk, A happy, prop A
{C} came along and pointed at {the prop}. "Where was it?" {C.he} asked, and {A} happily told the whole story. ## C point, A happy, prop A
"What are you two so happy about?" asked {C}. {A} held up {the prop}, and {B} told the whole story. ## A happy, B happy, prop A
-- +plain
"I lose things every day," said {C}, "I should try that, too."
"I lost a sock last week," said {C}. "Now I know how to find it."
{C} was amazed. "What a clever trick!" {C.he} said. ## C surprised
>> {C} comes along and {A} shows {C.him} {the prop} ## C walk, A happy, prop A

== lost.close
{A} went home with {B}, waving with one {A.paw} and holding {the prop} with the other. ## A wave happy, prop A
From now on {A} always waved with the left {A.paw} and held {the prop} in the right one, and {B} waved back. ## A wave happy, B wave, prop A
{A} tied a ribbon around {the prop}, so that it could not get lost again, and {A} and {B} danced for joy. ## A jump happy, B jump, prop A
{A} gave {the prop} a kiss, and then {A.he} sat down with {B} and told {B.him} all the stories {A.he} knew. ## A sit happy, B sit, prop A
-- +plain
Lost things are often closer than one thinks.
That evening they ate pancakes[, and nobody lost a single one]. @ dusk
"What a good day," they said. @ day
And if you lose something, just think of the last time you waved.

== boat.open
{Once}, {A} came {to place} with {a prop} that {A.he} had built all by {A.self}. {A.He} jumped for joy. ## A jump happy, prop A
{Once}, {A} sat {in place} with {A.own} new {prop}. "Today you will sail for the first time," {A.he} told it. ## A sit happy, prop A
{Once}, {A} walked {to place}, carrying {a prop} with a tiny white sail. ## A walk happy, prop A
--
"You are the finest ship in the world," said {A}, "and I am your captain!"
All winter long {A} had worked on it, with glue in {A.own} hair.
"Ahoy!" called {A}, because that is what captains say.
>> {A} is {in place} with {a prop} ## A happy, prop A
>> {A} built {a prop} and wants to sail it {in place} ## A happy, prop A
>> {A} goes {to place} and takes {the prop} along. ## A walk, prop A

== boat.sail
{A} set {the prop} down carefully and gave it a little push. It swam on the water, and {A} waved like a captain. ## A wave happy, prop ground
Splash! {The prop} was on the water at last. {A} jumped up and down, because it did not sink. ## A jump happy, prop ground
Very gently {A} put {the prop} on the water. It rocked, it swayed, and it sailed! {A} clapped and waved. ## A wave happy, prop ground
-- +plain
"Sail around once and come back," said {A}.
"Bring me a fish!" called {A} and laughed.
{A} felt as big as a real captain.
>> {A} puts {the prop} on the water and waves ## A wave happy, prop ground
>> {A} lets {the prop} sail ## A happy, prop ground

== boat.drift
But the wind blew it farther and farther out, until it was only a small dot. {A} stared after it. ## A surprised
All at once a wind came up and took the little ship far out. "Stop! Come back!" called {A}, startled, and pointed at it. ## A point surprised
{A} looked away for a moment, and when {A.he} looked again, the wind had carried the ship far away. {A.He} gasped. ## A surprised
--
"I forgot to tie a string to it!" said {A}.
A ship without its captain, who had ever heard of such a thing? {A} was startled. ## A surprised
>> oh no, it drifts away! {A} is %rsurprised ## A surprised
>> The wind blows it far away and {A} points at it. ## A point surprised
>> {A} can't get it back, it sails off ## A surprised

== boat.stick
{A} took a long branch and stretched as far as {A.he} could. The branch was too short, and {A} almost fell in. {A.He} was startled. ## A point surprised
With a long stick {A} reached out over the water, but the ship was ten sticks away, and {A} grumbled. ## A point cross
{A} reached for it with one arm, then with a stick, then with two sticks tied together. Nothing was long enough, and {A} was sad. ## A point sad
--
"I would need a stick as long as a street," said {A}.
A fish looked out, shook its head at {A}, and swam on.
>> {A} tries to get it with a stick but it is too short ## A point
>> {A} reaches out with a long branch ## A point

== boat.throw
Then {A} threw a stone behind the ship to call it. But the waves only pushed it farther away, and {A} stamped {A.own} foot. ## A cross
{A} threw one pebble after the other. Plop, plop! Every wave pushed the ship a bit farther, and {A} grew cross. ## A cross
"If I splash, it will hear me," said {A}. But each splash made a wave, and each wave pushed the ship away. {A} frowned. ## A cross
--
"These waves push the wrong way!" grumbled {A}. ## A cross
"Waves push things," {A} grumbled. "I will remember that." ## A cross
>> {A} throws stones but the waves push it away and {A} is %rcross ## A cross
>> {A} throws a stone and gets %rcross ## A cross

== boat.help
{B} came walking along and heard {A}, who was sobbing. "My ship has sailed off without me!" said {A}. ## B walk, A sad
"Was that you, sobbing so loudly?" asked {B}, who came closer. {A} told {B.him} about the ship, and sniffed. ## B walk, A sad
{A} was sitting there, sad and alone, when {B} came by and sat down beside {A.him}. ## A sit sad, B sit
--
"Let us call it together," said {B}. They called very loudly, but ships have no ears.
"I would like to fetch it," said {B}, "but the water looks very cold."
"A captain never gives up," said {B}, "and neither does a captain's friend."
>> {B} comes along and {A} tells {B.him} what happened ## B walk, A sad
>> {B} finds {A} crying ## B walk, A sad

== boat.swim
{B} took a deep breath and jumped in, but a moment later {B.he} jumped right out again. "So cold!" {B.he} told {A}, quite surprised. ## B jump surprised
"I will blow it back!" said {B}, and {B.he} blew until {B.he} was dizzy and tired. {A} could not help but sigh. ## B sleepy, A sad
{B} jumped about and tried to catch the wind, which looked very silly. Even the wind laughed. ## B jump
--
"That did not help," said {B}, "but now I am awake."
"Thank you for trying," said {A} quietly.
>> {B} jumps into the water but it is too cold ## B jump surprised
>> {B} tries to help {A} but it does not work

== boat.wait
{A} and {B} sat side by side and looked at the water. {A} was sad, and {B} threw a little stone, just like that. ## A sit sad, B sit
"Perhaps the wind will turn," said {B}. So {A} and {B} sat down and waited, and {A} grew more and more tired. ## A sit sleepy, B sit
They waited and waited. {A} yawned and leaned on {B}, who sat as still as a stone. ## A sleepy, B sit
--
Plop, said the water, and a wave ran away from the spot.
The little waves rolled away from them, one behind the other.
>> {A} and {B} sit down at the water and wait ## A sit, B sit
>> they sit and look at the water, {A} is %rsad ## A sad

== boat.idea
{A} thought about the waves. "From here they push it away, {B}! But from the other side they would push it home!"
"Waves push things," whispered {A}. "{B}, we only have to stand on the other side!" 
Suddenly {A}'s face lit up. "My stones pushed it out there, {B}. So stones from over there will push it back here!"
-- +plain
"That is so simple that only you could think of it," said {B}, amazed. ## B surprised
{B} was already picking up pebbles.
"A captain with a head," said {B}, astonished, "that is the best kind." ## B surprised
>> {A} has an idea with the waves and tells {B} ## A happy
>> {A} wants to throw stones from the other side, and {B} helps

== boat.waves
{A} and {B} ran around to the other side and threw pebbles, plop, plop, plop. And the waves brought the ship closer! ## A walk happy, B walk happy
"Now!" called {A}, and pointed. {B} jumped in the water with both feet, and wave after wave carried the ship home. ## A point happy, B jump happy
{B} jumped up and down in the shallow water, and what waves that made! {A} pointed and laughed, for the ship was coming home. ## B jump happy, A point happy
-- +plain
"A bit more to the left!" called {A}. "Aye, captain!" called {B}.
The waves knew the way now.
>> they make waves from the other side and it comes back ## 
>> {A} and {B} throw stones and the waves bring it home ## A happy, B happy

== boat.back
At last {A} could reach the edge and lifted {the prop} out of the water. "Welcome home!" {A.he} said, and {B} cheered. ## A point happy, B happy, prop A
Bump! {The prop} touched the edge, and {A} picked it up and jumped for joy. "Thank you, {B}!" {A.he} called. ## A jump happy, prop A
{A} held {the prop} in {A.own} arms again, wet but whole. "Thank you, {B}, you are the best sailor I know!" ## A happy, prop A
--
"It was your idea," said {B}, "I only made a splash."
{B} shook the water from {B.own} {B.ears} and laughed.
A fish looked out and nodded this time.
>> {A} has {the prop} back and thanks {B} ## A happy, prop A
>> {A} takes {the prop} out of the water and is %rhappy ## A happy, prop A

== boat.close
This time {A} tied a long string to {the prop}. Then {A} and {B} sat down together and let it sail around and around. ## A sit happy, B sit, prop ground
{A} painted a name on {the prop}. It was the name of a friend, and {B} blushed and jumped for joy. ## B jump happy, prop A
"Would you like to be the captain now?" asked {A} and gave {the prop} to {B}, who jumped for joy. ## B jump happy, prop B
-- +plain
And it never sailed away alone again, not that day and not the next.
And the wind could blow as much as it liked.
"Ahoy!" they called together, loud enough for every fish to hear.
"""


def lost_found(t: Teller) -> None:
    """A treasure is gone; running helps less than thinking back."""
    t.fixed = {"give"}
    t.tell("lost.open", hold="A", after="away")
    t.tell("lost.gone")
    t.tell("lost.search")
    t.change_weather(0.15)
    t.tell("lost.ask")
    t.tell("lost.false")
    t.pass_time(0.4)
    t.change_weather(0.15)
    t.tell("lost.sad")
    t.tell("lost.idea", free=False)
    t.tell("lost.found", hold="ground", free=False)
    t.tell("lost.hug", hold="A", free=False)
    if t.chance(0.5):
        t.tell("lost.meet")
    t.pass_time(0.3)
    t.tell("lost.close", end=True, free=False)


def boat_drifts(t: Teller) -> None:
    """What pushed the ship away can bring it home."""
    t.fixed = {"place", "give"}
    t.tell("boat.open", hold="A")
    t.tell("boat.sail", hold="ground", after="away", free=False)
    t.tell("boat.drift", free=False)
    t.tell("boat.stick")
    t.tell("boat.throw")
    t.tell("boat.help")
    if t.chance(0.65):
        t.tell("boat.swim")
    t.pass_time(0.45)
    t.change_weather(0.1)
    t.tell("boat.wait")
    t.tell("boat.idea", free=False)
    t.tell("boat.waves", free=False)
    t.tell("boat.back", hold="A", free=False)
    t.tell("boat.close", hold=t.pick("ground", "A", "B"), end=True, free=False)
