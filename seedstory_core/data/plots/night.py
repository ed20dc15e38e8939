# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""Tales of the night: somebody is afraid of the dark, and somebody cannot sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

TEXT = """
== dark.open
{Once}, {A} was {in place} and could see almost nothing. "It is so dark," {A.he} whispered, for {A.he} was afraid of the dark. ## A sad
{Once}, {A} sat {in place} with very big eyes. {A.He} was afraid, because the dark had no face. ## A sit sad
{Once}, {A} tiptoed about {in place}. {A.He} was a little afraid of the dark, but nobody was to know. ## A walk sad
--
"I am not afraid," {A} told the darkness. It did not sound very true.
"The night should have a switch," said {A}.
>> {A} is afraid of the dark {in place}. It is night. ## A sad, time night
>> it is night {in place} and {A} is scared ## A surprised, time night
>> at night {A} is {in place} and is afraid ## A sad, time night

== dark.noise
Hoo, hoo! Crack! {A} jumped into the air. "Who is there?" {A.he} called, (startled|frightened). ## A jump surprised
Something went hoo, and something went crack behind {A}. {A.He} jumped up, frightened, and looked all around. ## A jump surprised
Hush! {A} heard a hoo and a crack, and {A.own} heart beat fast. "A monster?" {A.he} asked, startled. ## A surprised
-- +must
Nobody answered {A}, and that was even worse. @ -reader
{A} counted {A.own} feet, to be sure that all were still there. @ -reader
First it went hoo, and then it went crack, and {A} held {A.own} breath. @ reader
"First a hoo and then a crack!" whispered {A}. @ reader
>> {A} hears a strange noise and jumps ## A jump surprised
>> something goes hoo hoo and {A} is frightened ## A surprised

== dark.hide
{A} sat down and hid under a blanket. But there it was even darker, and much too hot, so {A.he} grumbled. ## A sit cross
{A} sat down and closed both eyes. That did not help, because inside it was just as dark. "How annoying!" {A.he} grumbled. ## A sit cross
{A} pulled {A.own} hat down to the {A.nose} and sat there. Now {A.he} saw nothing at all, and heard twice as much. {A.He} sighed. ## A sit sad
--
"With my eyes closed, my ears grow bigger," grumbled {A}. ## A cross
"Hiding makes it darker," {A} sighed, "so hiding is not the way." ## A sad
>> {A} sits down and hides under a blanket ## A sit
>> {A} hides but that does not help ## A sad

== dark.sing
Then {A} sang to chase away the dark. But {A.own} voice shook so much that {A.he} was frightened of it. ## A surprised
{A} walked in circles and whistled loudly. Something whistled back, and {A} stopped, startled. ## A walk surprised
"Go away, dark!" called {A}, and stamped {A.own} foot. The dark stayed exactly where it was. ## A cross
--
"It does not even listen," said {A}.
So {A} fell silent and listened to {A.own} heart.
>> {A} sings to be brave but it doesnt work ## A surprised
>> {A} shouts at the dark and is %rcross ## A cross

== dark.help
A little light came swaying along, and it was {B} with {a prop}. "I heard you," {B.he} said to {A}, who almost wept. ## B walk, A sad, prop B
{B} came walking through the dark with {a prop} in {B.own} {B.paw}. {A} was so (surprised|astonished) that {A.he} forgot to be afraid. ## B walk, A surprised, prop B
"Who is all alone in the dark?" asked {B} and held up {a prop}. {A} told {B.him} about the dark, and sniffed a little. ## A sad, prop B
-- +plain
"I used to be afraid of the dark, too," said {B}.
"Come into the light," said {B}, "there is room for two."
"A small light is enough for a big fear," said {B}.
>> {B} comes with {a prop} and {A} is glad ## B walk, A happy, prop B
>> {B} brings {a prop} to {A} ## B walk, prop B

== dark.walk
{A} and {B} walked around in the light of {the prop}. What went hoo was only an owl, and what went crack was only a mouse. ## A walk, B walk, prop B
{B} held {the prop} up and pointed. There sat an owl, and there ran a little mouse, and {A} laughed in surprise. ## B point, A surprised, prop B
{B} pointed with {the prop}. It was only an owl and a mouse, and both looked even more surprised than {A}. ## B point, A surprised, prop B
-- +plain
"Every noise belongs to somebody," said {B}. @ -reader
"So that was you!" said {A}. "And I thought of a giant." @ -reader
"Hoo is only an owl," said {B}, "and crack is only a mouse." @ reader
What went hoo was an owl, and what went crack was a mouse. @ reader
>> {A} and {B} walk around with {the prop} and look ## A walk, B walk, prop B
>> {B} goes first with {the prop} and {A} comes too ## A walk, B walk, prop B
>> {A} and {B} walk on in the light of {the prop} ## A walk, B walk, prop B
>> {B} points with {the prop} and they see it is only an owl ## B point, prop B

== dark.lend
{B} handed {the prop} to {A}. "You carry it now," {B.he} said. "Whoever carries the light is the bravest one." ## prop A
"Here, take it," said {B}, and gave {the prop} to {A}, who held it with both arms. ## prop A
{A} asked if {A.he} might hold {the prop}, and {B} gave it to {A.him} with a little bow. ## prop A
-- +plain
And {A} felt a bit taller than before.
{A} pointed the way now, and {B} followed. ## A point, B walk
"Light looks good on you," said {B}.
>> {B} gives {the prop} to {A} ## prop A
>> now {A} may hold {the prop}, says {B} ## prop A

== dark.out
But then a gust of wind came, and pfft, the light went out. {A} jumped and held on to {B}. "It is dark again!" {A.he} called, startled. ## A jump surprised @ outdoors
All at once the light grew small, and then it was gone. {A} stared into the dark, and {B} was startled, too. ## A surprised, B surprised
"Oh no, no more oil!" said {B}, as the light died. {A} was so frightened that {A.he} could not move. ## A surprised
-- +plain
The darkness came back, thick and black, and {A} reached for the arm of {B}. ## A point
"What now?" asked {A} in a very small voice.
>> the light goes out and {A} is scared ## A surprised
>> suddenly the light is gone, {A} and {B} stand in the dark ## A surprised, B surprised

== dark.idea
Hoo, hoo, it went in the dark. {A} closed {A.own} eyes and thought hard. "Every noise belongs to somebody, {B}. That is the owl!" 
{A} took a deep breath. "We know them all now, {B}," {A.he} whispered. "Hoo is the owl, and crack is the mouse!" 
"Wait, {B}," whispered {A}. "I don't need to see the owl and the mouse. I can just call them by their names!"
-- +plain
"Good evening, owl!" called {A}, and the owl said, "Hoo."
"You are right," said {B}, who had been a bit afraid as well.
The dark was full of neighbours.
>> {A} has an idea: every noise is somebody they know ## A happy
>> {A} tells {B} that it is only the owl ## A happy

== dark.stars
Then {A} looked up and pointed. "Look, {B}, the night has its own little lights!" Nobody had told {A.him} how many stars there are. ## A point happy @ clear
{A} waved into the dark. "Good night, owl! Good night, mouse!" {A.he} called, and {B} waved as well. ## A wave happy, B wave
{A} danced in the middle of the dark. "I am not afraid any more, {B}!" {A.he} sang. ## A jump happy
-- +plain
"The night is a good friend," said {B}, "one only has to know it."
And the dark was soft and friendly, like an old coat.
>> {A} is not afraid anymore and waves into the dark ## A wave happy
>> {A} and {B} are brave now ## A happy, B happy

== dark.thanks
"Thank you, {B}," said {A}, "first you brought me a light, and then I found my own." They sat down close together. ## A sit happy, B sit
{A} hugged {B} tightly. "Thank you for staying, {B}, even when it was dark," {A.he} said, and yawned. ## A sleepy
{A} took {B} by the {B.paw}. "Thank you, dear {B}! Tomorrow I will visit the owl for tea," {A.he} said. 
-- +plain
"You were braver than I was," said {B}, "but don't tell anybody."
{B} yawned, because being brave makes one sleepy. ## B sleepy
>> {A} thanks {B} and they sit down ## A sit happy, B sit
>> {A} hugs {B} and is tired ## A sleepy

== dark.close
{A} sat beside {B} and yawned, and before long {A.he} was fast asleep. The owl kept watch over them. ## A sit sleepy, B sit
Sleepy and happy, {A} and {B} sat there and listened to the night. It sounded almost like a song. ## A sit sleepy, B sit sleepy
{A} and {B} yawned at the very same time, and they laughed about it until they fell asleep. ## A sleepy, B sleepy
-- +plain
And if something goes hoo, you know who it is.
The night is only the day with its eyes closed.
Sleep well, and greet the owl!

== sleep.open
{Once}, {A} sat {in place} and wanted to sleep. {A.He} turned to the left and to the right, but no sleep came. ## A sit sleepy
{Once}, everybody was asleep except for {A}. {A.He} sat {in place}, tired and wide awake at once. ## A sit sleepy
{Once}, {A} walked up and down {in place}. {A.He} was so tired, and yet {A.he} could not sleep. ## A walk sleepy
-- +plain
"Sleep, where are you?" asked {A}. "Did you get lost?"
"My eyes are tired," said {A}, "but my head wants to dance."
>> {A} is {in place} at night and can't sleep ## A sleepy, time night
>> it is night and {A} sits {in place}, very tired ## A sit sleepy, time night

== sleep.count
{A} counted the stripes on the blanket. At a hundred {A.he} lost count and was so annoyed that {A.he} was wide awake again. ## A cross
First {A} counted sheep. But the sheep told each other jokes, and {A} was surprised how awake {A.he} was. ## A surprised
{A} pointed at the stars and counted them, one by one. Then {A.he} forgot the number and had to start anew, cross with {A.self}. ## A point cross @ clear
--
"Counting is work," grumbled {A}, "and work keeps me awake." ## A cross
"Whoever counts cannot dream," said {A}.
>> {A} counts sheep but it does not help ## A cross
>> {A} counts and counts and gets %rcross ## A cross

== sleep.hop
Then {A} jumped up and down a hundred times to use up all {A.own} strength. Now {A.he} was hot, hungry and still awake. ## A jump
"I will dance myself tired," said {A}, and danced until the floor shook. But now even {A.own} toes were awake. ## A jump
--
"That was the wrong way around," said {A}.
{A} sighed, because half the night was already over. ## A sad
>> {A} jumps to get tired ## A jump
>> {A} dances around but is still awake ## A jump

== sleep.help
The door opened quietly, and in came {B} with a candle. "I heard steps," {B.he} said. {A} told {B.him} all about it and yawned. ## B walk, A sleepy @ indoors
{B} came tiptoeing along, because {B.he} had heard {A}, who sat there and sighed. ## B walk, A sit sad
"You too?" asked {B}, who came closer with a sleepy face. {A} nodded, tired and sad. ## B walk sleepy, A sad
--
"I know what helps," said {B}. "It always helped me."
"Nobody should be awake alone," said {B}.
"Sleep is like a butterfly," said {B}, "it comes when you don't call it."
>> {B} comes because {A} cannot sleep ## B walk
>> {B} visits {A} in the middle of the night. {A} yawns. ## B walk, A sleepy

== sleep.milk
{B} made warm milk with honey. {A} drank it up, but then {A.own} belly gurgled so loudly that both of them were startled. ## A surprised, B surprised
{B} sang a song for {A}. It was beautiful, but there was one high note, and {A} was startled and wide awake. ## A surprised
"Lie like a stone," said {B}. {A} tried it, but stones never have an itchy {A.nose}. {A} was cross. ## A cross
--
"One moment it was so near," said {A}.
"Never mind," said {B}, "I know something else."
>> {B} brings warm milk but {A} is still awake ## A surprised
>> {B} sings a song for {A}

== sleep.book
Then {B} fetched {a prop}, sat down, and read aloud. {A} sat and listened with open mouth, surprised at every page. ## B sit, A sit surprised, prop B
{B} sat down with {a prop}. "Once upon a time," {B.he} read, and {A} grew more and more astonished. ## B sit, A surprised, prop B
{B} opened {a prop} and read a story to {A}. It was so exciting that {A} jumped up, surprised. ## A jump surprised, prop B
-- +plain
"And then? And then?" called {A}, more awake than ever.
"Don't stop now!" begged {A}. "Will they find the treasure?"
>> {B} reads {a prop} to {A} ## B sit, prop B
>> {B} sits down with {a prop} and reads, {A} is %rsurprised ## B sit, A surprised, prop B

== sleep.tired
Page after page {B} read, until {B.he} yawned over {the prop}. But {A} was as lively as a fish, and that made {A.him} sad. ## B sleepy, A sad, prop B
"I cannot go on," said {B} and yawned. {The prop} almost fell from {B.own} {B.paw}, and {A} sighed. ## B sleepy, A sad, prop B
{B} rubbed {B.own} tired eyes and put a finger in {the prop}. {A} sat there, unhappy and wide awake. ## B sleepy, A sit sad, prop B
-- +plain
"Now you can sleep and I cannot," said {A}.
"Reading makes the reader tired," murmured {B}, "but not the listener."
>> {B} gets tired from reading {the prop} but {A} does not ## B sleepy, prop B
>> {B} yawns and {A} is %rsad ## B sleepy, A sad

== sleep.idea
"Wait," whispered {A} and looked at {the prop}. "It made you tired, {B}! So I must be the one who reads!" ## prop B
{A} looked at {B} and at {the prop} and thought about it. "You are tired because you read to me. What if I read to you?" ## prop B
Then {A}'s face lit up. "Give {the prop} to me, {B}!" {A.he} said. "The one who reads gets tired!" ## prop B
-- +plain
"That could work," said {B} and held out {the prop}. ## prop B
"Your turn," murmured {B} and held out {the prop}. ## prop B
>> {A} has an idea and wants to read to {B} ## A happy, B sleepy

== sleep.read
{B} gave {the prop} to {A}. {A.He} sat down and read one page, then half a page, then half a line, and yawned. ## A sit sleepy, prop A
{A} took {the prop} from {B} and sat down to read aloud. {A.His} voice grew slower and slower, and {A.his} eyes grew sleepy. ## A sit sleepy, prop A
Now {A} took {the prop} and read, quietly and slowly. {B} sat beside {A.him} and listened, and both of them yawned. ## A sleepy, B sit sleepy, prop A
-- +plain
The letters began to swim like little fish.
"And they all," read {A}, and forgot the rest.
>> {A} takes {the prop} and reads to {B} and gets sleepy ## A sit sleepy, prop A
>> now {A} reads {the prop} and yawns ## A sleepy, prop A

== sleep.thanks
"Thank you, {B}, now it works," murmured {A} over {the prop}, and {A.own} sleepy eyes fell shut. ## A sleepy, prop A
{A} laid {A.own} head on {the prop} like a pillow. "Thank you, dear {B}," {A.he} whispered sleepily. ## A sleepy, prop A
"Good night, {B}, and thank you," said {A} and yawned, sitting there with {the prop} on {A.own} knees. ## A sit sleepy, prop A
-- +plain
"Good night," {B} yawned back. ## B sleepy
{B} tucked the blanket around {A} and yawned. ## B sleepy
>> {A} thanks {B} and falls asleep with {the prop} ## A sleepy, prop A

== sleep.close
At last {A} slept, with {the prop} in {A.own} arms, and {B} was asleep, too. Only the night was still awake. ## A sleepy, B sleepy, prop A
{A} and {B} sat back to back and slept, with {the prop} beside {A}, and dreamed the rest of the story together. ## A sit sleepy, B sit sleepy, prop A
{A} slept like a stone, and {the prop} rose and fell on {A.own} belly. {B} smiled and fell asleep. ## A sleepy, B sleepy, prop A
-- +plain
Nobody knows how the story ended, and it did not matter.
Hush now, turn the page quietly.
In the morning they could not say whose eyes had closed first.
"""


def afraid_of_dark(t: Teller) -> None:
    """The dark is full of noises, and every noise belongs to somebody."""
    t.fixed = {"time", "place", "give"}
    t.tell("dark.open")
    t.tell("dark.noise")
    t.tell(t.pick("dark.hide", "dark.sing"))
    if t.chance(0.5):
        t.tell("dark.hide" if t.panels[-1].event == "dark.sing" else "dark.sing")
    t.change_weather(0.12)
    t.tell("dark.help", hold="B")
    t.tell("dark.walk")
    if t.chance(0.5):
        t.tell("dark.lend", hold="A")
    t.put_away()
    t.tell("dark.out", free=False)
    t.tell("dark.idea", free=False)
    t.tell("dark.stars")
    t.tell("dark.thanks")
    t.tell("dark.close", end=True, free=False)


def cannot_sleep(t: Teller) -> None:
    """Whoever reads aloud gets tired; whoever listens does not."""
    t.fixed = {"time", "place", "give"}
    t.tell("sleep.open")
    t.tell("sleep.count")
    if t.chance(0.7):
        t.tell("sleep.hop")
    t.tell("sleep.help")
    if t.chance(0.75):
        t.tell("sleep.milk")
    t.change_weather(0.15)
    t.tell("sleep.book", hold="B")
    t.tell("sleep.tired", free=False)
    t.tell("sleep.idea", after="away", free=False)
    t.tell("sleep.read", hold="A", free=False)
    if t.chance(0.75):
        t.tell("sleep.thanks", free=False)
    t.tell("sleep.close", end=True, free=False)
