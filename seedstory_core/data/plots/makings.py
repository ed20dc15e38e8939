# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""Tales of making and trying: a cake, a flower, a key without a door, a kite that will not fly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

TEXT = """
== cake.open
{Once}, {A} stood {in place} in an apron that was much too big. A friend had a birthday, and {A} wanted to bake something wonderful. ## A happy
{Once}, {A} danced about {in place} with a wooden spoon. "Today I will bake for a birthday!" {A.he} sang. ## A jump happy
{Once}, {A} sat {in place} and read an old recipe. Somebody's birthday was coming, and nobody was to know about it. ## A sit happy
--
"How hard can it be?" asked {A} and tied a bow behind {A.own} back.
{A} had never baked before, but that did not worry {A.him} at all.
>> {A} wants to bake for a birthday {in place} ## A happy
>> {A} is {in place} and it is the birthday of a friend ## A happy

== cake.first
{A} threw everything into a bowl at once, because that was quicker. What came out of the oven was flat and black, and {A} was sad. ## A sad
First {A} baked without measuring. The dough rose, fell in again, and turned black. {A} stared at it in surprise. ## A surprised
{A} did not read the recipe to the end, and the oven began to smoke. {A.He} jumped back, startled. ## A jump surprised
--
"This dough could be a doormat," said {A}.
"Next time I will read the whole page," {A} grumbled. ## A cross
>> {A} bakes but it goes wrong and {A.he} is %rsad ## A sad
>> the oven smokes and {A} is %rsurprised ## A surprised

== cake.help
{B} came in, because it smelled so strange. {A} sadly showed {B.him} the black dough. ## B walk, A point sad
"Is there a fire?" asked {B}, who came running. {A} shook {A.own} head sadly and pointed at the oven. ## B walk, A point sad
{B} came to the door and held {B.own} {B.nose}. {A} told {B.him} what had happened, with flour in {A.own} face and tears in {A.own} eyes. ## B walk, A sad
--
"I once baked a brick," said {B}. "We will do it together!"
"One reads, and one stirs," said {B}. "Then nothing gets lost."
>> {B} comes and {A} shows {B.him} the burnt dough ## B walk, A sad
>> {B} wants to help {A} with baking

== cake.second
{B} read aloud, and {A} stirred. But {B} left out a line, and they took salt for sugar. {A} tasted it and made a cross face. ## A cross
Now {A} read and {B} stirred so wildly that the dough flew against the ceiling. {A} was astonished. ## A surprised, B happy
They baked again, step by step. But then {A} and {B} played a game, forgot the time, and jumped up, startled, when it smelled of coal. ## A jump surprised, B jump surprised
--
"At least we are learning something," said {B}.
"Next time we must be more careful," said {A}.
>> {A} and {B} try again but it goes wrong ## A surprised
>> they bake again, {A} and {B} are %rsurprised ## A surprised, B surprised

== cake.missing
"Now we have nothing left for the top," said {A}, who looked into every cupboard and frowned. {B} frowned, too. ## A cross, B cross
{A} opened the cupboard and was startled. There was only one egg left, and {B} sighed. ## A surprised, B sad
{B} pointed at the empty sugar bowl. {A} sat down on the floor and was near tears. ## B point, A sit sad
--
"The party begins soon," said {B}.
"No birthday without a surprise," sniffed {A}. ## A sad
>> there is nothing left in the cupboard, says {B}. {A} is %rsad ## A sad

== cake.tired
{A} sat down on a flour sack, tired to the bone, and {B} yawned beside {A.him}. ## A sit sleepy, B sleepy
Tired and white with flour, {A} and {B} sat on the floor. "I am no baker," {A.he} sighed. ## A sit sad, B sit sleepy
{A} leaned on {B} and yawned. "First too quick, then too careless," {A.he} said sleepily. ## A sleepy
--
"We made every mistake there is," said {B}. "So none is left!"
"I have learned a lot about baking today," said {B}.
>> {A} and {B} are very tired and sit on the floor ## A sit sleepy, B sit sleepy
>> {A} yawns and sits on the floor with {B} ## A sit sleepy

== cake.idea
"Every mistake taught us something," thought {A}. "Measure, read, and watch! {B}, let us do just one thing after the other!"
{A}'s face lit up. "We only have to do the opposite of everything, {B}! Slowly, all the lines, and with an eye on the oven!"
"We have done everything wrong once," whispered {A}. "So this time it must work, {B}!"
-- +plain
"A small treat is enough," said {B}, "if it is good."
"I will guard the oven like a dragon," said {B}.
>> {A} has an idea and tells {B} to try once more, slowly ## A happy
>> {A} and {B} want to try it one more time ## A happy, B happy

== cake.done
{A} opened the oven, and out came {a prop}, golden and round. {A} was amazed, and {B} jumped for joy. ## A surprised, B jump happy, prop A
And there it was at last! {A} held {a prop} on a plate, and {B} was amazed at how good it smelled. ## A happy, B surprised, prop A
Very carefully {A} lifted {a prop} out of the oven. "Look, {B}," {A.he} whispered, "it is not black!" ## A happy, prop A
-- +plain
It smelled of honey and of a little bit of luck.
"Don't breathe on it!" said {B}.
>> {A} takes {a prop} out of the oven and {B} jumps ## A happy, B jump happy, prop A
>> now {A} has {a prop} and it is perfect, says {B} ## A happy, prop A

== cake.walk
{A} walked {to place} with {the prop}, step by step, and {B} walked in front and moved every stone out of the way. ## A walk, B walk, prop A
Together they set out, {A} with {the prop}, {B} with the candles, and walked {to place}. ## A walk happy, B walk, prop A
"Make way for the birthday!" called {B} and marched {to place}. {A} followed with {the prop}. ## B walk happy, A walk, prop A
-- +plain
Even the ants stopped and looked.
"Don't sneeze," said {A} to {A.self}, "not now."
>> they walk {to place}, {A} carries {the prop} and {B} comes too ## A walk, B walk, prop A
>> {A} takes {the prop} {to place} and {B} comes along ## A walk, B walk, prop A
>> {A} and {B} go {to place} with {the prop} ## A walk, B walk, prop A

== cake.surprise
"Happy birthday!" called {A} with {the prop}, and {B} danced. There sat {C}, who was very surprised. ## A happy, B jump, C sit surprised, prop A
{A} held up {the prop}, and {B} waved a bunch of candles. "Happy birthday!" they called, and {C} was amazed. ## A happy, B wave, C surprised, prop A
"Surprise!" shouted {A} and {B}. {C} looked at {the prop} in the arms of {A} and was too surprised to speak. ## A happy, B happy, C surprised, prop A
--
"You made that for me?" asked {C}.
"It is our third try," said {B}, "and the best one."
>> {A} surprises {C} with {the prop}, {B} sings ## C surprised, A happy, B happy, prop A
>> {C} sees {A} with {the prop} and is so %rsurprised ## C surprised, A happy, prop A
>> {C} is %rsurprised to see {A} with {the prop} ## C surprised, A happy, prop A

== cake.give
{A} gave {the prop} to {C}, who took one bite and jumped for joy. ## C jump happy, prop C
{A} handed {the prop} to {C}, who blew out all the candles in one breath. "I wished for nothing," said {C}, "I have it all." ## C happy, prop C
"Here, it is all yours," said {A} and gave {the prop} to {C}. A big smile spread over {C.his} face. ## C happy, prop C
--
"It tastes like sunshine," said {C} with a full mouth.
"Is it sweet enough?" asked {A}. "Just right," said {C}.
>> {A} gives {the prop} to {C} and {C} jumps ## C jump happy, prop C
>> {A} hands {the prop} to {C}, who jumps up and down ## C jump happy, prop C
>> {C} gets {the prop} and is %rhappy, and so is {A} ## C happy, prop C

== cake.close
"Thank you, {B}," said {A}, "alone I would still be baking doormats." They sat down, tired and happy. ## A sit sleepy, B sit
{A} and {B} danced until their feet were hot. "Thank you, {B}," called {A}, "for not giving up!" ## A jump happy, B jump happy
{A} yawned, and {B} yawned back. "Thank you, {B}, you were the best second cook," {A.he} said. ## A sleepy, B sleepy
-- +plain
And the first try? It really did become a doormat.
Not one crumb was left over.
They wrote a new line under the recipe, "Bake it with a friend."

== flower.open
{Once}, {A} put a small brown seed into the earth {in place}. "Grow, and be beautiful!" {A.he} told it. ## A happy
{Once}, {A} sat {in place} beside a tiny heap of earth. Under it lay a seed, and {A} could hardly wait. ## A sit happy
{Once}, {A} pointed at a bare spot {in place}. "Here something wonderful will grow," {A.he} said to a worm. ## A point happy
--
"Hurry up, please," {A} told the seed.
{A} looked every minute to see if it had come up yet.
>> {A} plants a seed {in place} ## A happy
>> {A} is {in place} and puts a seed in the earth. ## A happy

== flower.wait
{A} sat before the bare spot and waited and waited. Nothing came up, not even a tip. {A.He} frowned. ## A sit cross
{A} walked around the spot and looked from all sides. The earth was as bare as before, and {A} was sad. ## A walk sad
{A} pointed at the earth. "Now!" {A.he} said. But seeds do not listen to orders, and so {A} grew cross. ## A point cross
--
"One, two, three, grow!" called {A}. Nothing.
"Perhaps it has forgotten me," {A} sighed. ## A sad
>> {A} waits and waits but nothing grows ## A sad
>> {A} sits in front of the seed and gets %rcross ## A sit cross

== flower.water
"It must be thirsty," said {A} and poured ten cans of water over it. Soon everything was wet, and {A} jumped back, startled. ## A jump surprised
{A} watered the seed in the morning, at noon, and once more for luck. Now it had to swim, and {A.he} was startled. ## A surprised @ day
{A} ran to and fro with the watering can until the seed lay in deep mud. {A.He} was surprised at so much mud. ## A walk surprised
--
"Too much is not good either," {A} murmured.
A worm came out and looked for a dry place.
>> {A} gives it too much water ## A surprised
>> {A} pours ten cans of water on the seed ## A surprised

== flower.help
{B} came by and waved. {A} pointed at the mud and sniffed. "It does not want to grow," {A.he} said. ## B wave, A point sad
"What are you doing to that poor seed?" asked {B}, who came closer. {A} blushed and was sad. ## B walk, A sad
{B} walked up and looked at the puddle for a long time. {A} told {B.him} everything, in a very sad voice. ## B walk, A sad
--
"I know a song for growing," said {B}.
"Seeds like to be warm," said {B}, "that I know."
>> {B} comes and {A} points at the mud ## B walk, A point sad
>> {B} asks what {A} is doing. {A} is %rsad. ## B walk, A sad

== flower.sing
{B} sang to the seed, and {A} danced to it. A neighbour came and complained about the noise, and both of them were startled. ## A jump surprised, B surprised
{A} covered the spot with a warm blanket, and {B} sang. Under the blanket it was dark, and nothing grew. {A} was cross. ## A cross, B happy
{A} and {B} jumped around the seed to wake it up. That woke up a mole, who was very angry. Both of them were startled. ## A jump surprised, B jump surprised
--
"It may be asleep," said {B}, "but it has very deep dreams."
"Nothing is right for it," said {A}.
>> {B} sings for the seed and {A} dances ## A jump, B happy
>> {A} and {B} jump around the seed ## A jump, B jump

== flower.pull
"I will look if it is still there," said {A} and wanted to dig. "Stop!" called {B} and pointed. "Then it will never grow!" {A} was startled. ## B point, A surprised
{A} reached out to dig up the seed, but {B} held {A.him} back. "You don't open the oven before the bread is done," {B.he} said. {A} grew sad. ## A point sad
-- +plain
"Then what can I do?" asked {A}. "Nothing," said {B}, "that is the hard part."
"Waiting is the hard part," said {B}.
>> {A} wants to dig it up but {B} says stop ## A point, B surprised

== flower.sad
{A} sat down, and a tear rolled down {A.own} {A.nose}, right onto the earth. "I do everything wrong," {A.he} told {B}. ## A sit sad
Tired, {A} and {B} sat down in front of the bare spot. {A} sobbed a little, and {B} did not say a word. ## A sit sad, B sit sleepy
{B} yawned, because waiting makes one tired. {A} sat there and was very sad. ## B sleepy, A sit sad
--
"When I was small, I did not grow either when somebody looked," said {B}.
"You cannot pull on a day to make it longer," said {B}.
>> {A} sits down and cries. {B} yawns. ## A sit sad, B sleepy
>> {A} and {B} sit there and {A} is %rsad ## A sit sad, B sit

== flower.idea
"Too much water and too much noise," thought {A}. "{B}, it needs a little water, a little sun, and quiet. And it needs time!"
{A}'s face lit up. "We gave it too much of everything, {B}, except of time!"
"What if we just leave it alone?" whispered {A}. "A sip of water, {B}, and then we play somewhere else!"
-- +plain
"A little of everything," said {B}, quite surprised, "that is the whole secret." ## B surprised
"I am good at doing nothing," said {B} happily.
>> {A} has an idea: just wait and give it time. {B} agrees. ## A happy
>> {A} tells {B} to leave the seed alone ## A happy

== flower.days
So they waited, day after day, with one sip of water each. {A} walked past on tiptoe, and {B} walked behind. ## A walk, B walk
Every day {A} came, gave the seed a sip, waved, and went away again. {B} counted the days. ## A wave happy
Three days went by, then five, then seven. {A} and {B} sat in the sun and hardly ever looked. ## A sit happy, B sit @ clear
-- +plain
It was the longest week in the life of {A}.
"Is it ready now?" asked {A}. "Not yet," said {B}.
>> {A} and {B} wait many days ## A sit, B sit
>> {A} comes every day and waves at the seed, {B} comes too ## A wave

== flower.bloom
And then, one fine moment, {a prop} stood in the earth. {A} stared at it, amazed, and {B} jumped for joy. ## A surprised, B jump happy, prop ground
"Come quickly!" called {B} and pointed. There stood {a prop}, wide open, and {A} was amazed. ## B point happy, A surprised, prop ground
{A} came by, not thinking of anything. There stood {a prop}, as bright as the sun, and {A} jumped for joy with {B}. ## A jump happy, B jump happy, prop ground
--
"You came after all," said {A} softly.
It nodded, as if it wanted to say good morning.
>> {the prop} blooms {ground}! {A} and {B} jump ## A jump happy, B jump happy, prop ground
>> suddenly there is {a prop} {ground} and {A} is %rsurprised ## A surprised, prop ground

== flower.friend
{C} came by and pointed at {the prop} in its bed of earth. "How did you do that?" {C.he} asked, amazed. {A} laughed. ## C point surprised, A happy, prop ground
"What a beauty!" said {C}, who came closer to look at {the prop}, amazed. {A} and {B} were very proud. ## C walk surprised, A happy, B happy, prop ground
--
"We did nothing," said {A}, "and that was very hard."
"It did it all alone," said {B}.
>> {C} comes and points at {the prop} {ground}, {A} is proud ## C point surprised, A happy, prop ground

== flower.close
"Thank you, {B}, for your help," said {A}. They sat down beside {the prop} and dreamed. ## A sit happy, B sit, prop ground
{A} waved to {the prop} before going to bed, and {B} waved, too. ## A wave happy, B wave, prop ground @ -day
{A} danced around {the prop}. "Thank you, {B}," {A.he} called, "you taught me how to wait!" ## A jump happy, prop ground
-- +plain
And in the autumn it gave them seven new seeds.
Good things come slowly, and then all at once.
And the worms below were glad of the company.

== key.open
{Once}, {A} found {a prop} {in place}. It was small and shiny, and {A} was amazed. "What does it open?" {A.he} asked. ## A surprised, prop A
{Once}, {A} walked about {in place}, and something glittered in {A.own} way. It was {a prop}! {A} picked it up, surprised. ## A walk surprised, prop A
{Once}, {A} jumped for joy {in place}, for {A.he} had found {a prop} under a leaf. ## A jump happy, prop A @ outdoors
-- +plain
"Somewhere a door is waiting for you," {A} told it.
"A thing like you has a secret," said {A}.
>> {A} finds {a prop} {in place} ## A surprised, prop A

== key.try1
{A} tried {the prop} on every gate and every door nearby. It was always too small, and {A} grew cross. ## A cross, prop A
First {A} tried {the prop} on the nearest door. It was much too small, and {A} frowned. ## A cross, prop A
{A} hurried from door to door with {the prop}. It was too small for every single one. ## A walk, prop A
--
"Too small for a door," said {A}. "I will remember that."
"Perhaps it opens nothing at all," sighed {A}. ## A sad
>> {A} tries {the prop} on all doors ## A walk, prop A
>> {A} tries {the prop} but nothing opens and {A} is %rcross ## A cross, prop A

== key.help
{A} met {B} and held up {the prop}. {B} looked at it with big, surprised eyes. ## B surprised, A happy, prop A
{B} came along, and {A} showed {B.him} {the prop}. "It fits nowhere," {A.he} said sadly. ## B walk, A point sad, prop A
"What have you got there?" asked {B}, who came closer. {A} sighed and held out {the prop}. ## B walk, A sad, prop A
--
"Two can try twice as many locks," said {B}.
"It smells a little of an old box," said {B}.
>> {A} shows {B} {the prop} ## B surprised, A point, prop A
>> {B} comes and looks at {the prop}, {A} is %rsad ## B walk, A sad, prop A

== key.try2
So they walked {to place}. {B} pointed at an old clock. {A} tried {the prop}, but it was too big for that. ## B point, A walk, prop A
{A} and {B} went {to place} and tried {the prop} on an old clock. It was too big, and the clock said cuckoo. ## A walk, B walk, prop A
They hurried {to place}, where {A} tried {the prop} on a tall clock. It was much too big, and {B} frowned. ## A walk, B walk cross, prop A
-- +plain
"Too small for a door and too big for a clock," {A} counted.
"So we need something in between," said {B}. @ -reader
>> they go {to place} and {A} tries {the prop}, {B} points ## A walk, B point, prop A
>> {A} and {B} walk {to place} with {the prop} ## A walk, B walk, prop A

== key.fall
Oh dear, {A} stumbled, and {the prop} fell {ground} with a ping. {A} was startled, and {B} looked for it at once. ## A surprised, B happy, prop ground
{A} yawned and was careless, and {the prop} slipped away. It lay {ground}, and {B} was startled. ## A sleepy, B surprised, prop ground
-- +plain
"Ping," said {B}. "Did you hear that? It sings!"
It had almost fallen into a crack.
>> {A} drops {the prop} {ground} and {B} is %rsurprised ## A surprised, B surprised, prop ground

== key.pick
{A} picked {the prop} up and sat down. "I don't want to try any more," {A.he} told {B} sadly. ## A sit sad, prop A
Tired and disappointed, {A} sat down with {the prop}, and {B} sat down with {A.him}. ## A sit sad, B sit sleepy, prop A
{A} turned {the prop} over and over, very sad. {B} yawned and sat down. ## A sad, B sit sleepy, prop A
--
"It has waited so long," said {B}, "it can wait a bit longer."
It shone, as if it wanted to be tried once more.
>> {A} sits down with {the prop} and is %rsad. {B} yawns. ## A sit sad, B sleepy, prop A

== key.idea
"Smaller than a door and bigger than a clock," thought {A} over {the prop}. "A chest, {B}! It must be a little chest!" ## prop A
{A} looked closely at {the prop}. "It smells of old boxes, {B}, and it is just the size for one!" {A.he} whispered. ## prop A
"We know now what it does not fit," murmured {A}, turning {the prop}. "So it must be an old wooden chest, {B}!" ## prop A
-- +plain
"And I know who has one!" said {B}.
"There is one that nobody could ever open!" said {B}, astonished. ## B surprised
>> {A} has an idea what {the prop} is for and tells {B} ## A happy, prop A

== key.chest
Then they came {to place}. There sat {C} on an old chest. "It has been locked for years," {C.he} told {A}, who held up {the prop}. ## C sit, A happy, prop A
{A} ran {to place} with {the prop}. "May we try your chest?" {A.he} asked {C}, who was very surprised. ## A walk, C surprised, prop A
{In place} they found {C} with an old chest. {C.He} stared at {the prop} that {A} was holding. ## C surprised, A happy, prop A
-- +plain
"My grandmother lost {the prop} long ago," {C} told {A}. ## prop A
"Nobody knows what is inside," said {C}.
>> they go {to place} and {A} shows {the prop} to {C}, who has an old chest ## A happy, C surprised, prop A

== key.click
{A} put {the prop} into the lock and turned it. Click! {C} jumped for joy, and {B} held {B.own} breath. ## A happy, C jump happy, B happy, prop A
Very slowly {A} turned {the prop}. Click, went the lock, and {C} stared at the lid, amazed. ## A happy, C surprised, prop A
"Now or never," whispered {A} and turned {the prop}. Click! {C} was amazed. ## A happy, C surprised, prop A
--
The lid creaked as if it were yawning.
What a sweet little sound that was!
>> {A} opens the chest with {the prop} and {C} is %rsurprised ## A happy, C surprised, prop A
>> {A} turns {the prop} and click! {C} jumps. ## A happy, C jump happy, prop A

== key.inside
In the chest lay {a prop}! {C} lifted it out and laughed out loud for joy. {A} jumped up and down. ## C happy, A jump happy, prop C
And inside? There was {a prop}, wrapped in silk. {C} held it up, and {A} stared in surprise. ## C happy, A surprised, prop C
{C} reached into the chest and found {a prop}. "That was my grandmother's!" {C.he} said to {A}. ## C point happy, prop C
--
"My grandmother always said that good things wait," said {C}.
It looked as if it had been put there yesterday.
>> {C} finds {a prop} in the chest, {A} jumps ## C happy, A jump happy, prop C
>> in the chest there is {a prop}. {C} takes it and {A} is %rsurprised ## C happy, A surprised, prop C

== key.close
"It belongs to all of us," said {C} and gave {the prop} to {A}. "Thank you, {A}, for never giving up." ## C happy, A happy, prop A
{A} and {B} sat around the open chest with {C}, and {A} was allowed to hold {the prop} first. "Thank you, {B}, for your help," {A.he} said. ## A sit happy, B sit, C sit, prop A
{C} put {the prop} into the arms of {A} and danced. "And thank you, {B}!" called {A}, and {B} danced, too. ## C jump happy, A happy, B jump happy, prop A
-- +plain
And the little lock was never closed again.
Every secret has somebody who does not stop asking.
What fits nowhere may only be waiting for the right place.

== kite.open
{Once}, {A} stood {in place} with {A.own} new {prop}. "Today you will fly!" {A.he} said, but {A.he} had never done it before. ## A happy, prop A
{Once}, {A} walked about {in place} with {a prop} that had never flown. {A.He} wanted to learn it today. ## A walk happy, prop A
{Once}, {A} jumped for joy {in place}, because {A.own} first {prop} was ready at last. ## A jump happy, prop A
-- +plain
"Up to the clouds and back," said {A}, "that is the plan."
A bird looked down, as if it wanted to race, and {A} laughed.
>> {A} is {in place} with {a prop} and wants to learn to fly it ## A happy, prop A
>> {A} wants to fly {the prop} {in place}. ## A happy, prop A

== kite.run
{A} ran as fast as {A.he} could. {The prop} scraped along behind and came to lie {ground}. {A.He} was cross. ## A walk cross, prop ground
{A} ran to the left and to the right, but {the prop} only scraped along and lay {ground}, like a lazy fish. {A} frowned. ## A walk cross, prop ground
With long steps {A} ran off. {The prop} went up one little bit and fell {ground}. "Fly!" grumbled {A}. ## A walk cross, prop ground
--
"Running alone is not enough," said {A}.
{A} had to stop, because {A.own} legs were too hot.
>> {A} runs but {the prop} falls {ground} ## A walk, prop ground
>> {A} runs with {the prop} and it falls {ground}, {A} is %rcross ## A walk cross, prop ground

== kite.throw
Then {A} threw {the prop} straight up into the air. It came straight down again and lay {ground}, and {A} sighed. ## A sad, prop ground
{A} jumped from a stone and threw {the prop} as high as possible. Plop, it lay {ground} again, and {A} was sad. ## A jump sad, prop ground
{A} tossed {the prop} up with both arms and pointed at the sky. It took a look around and fell {ground}. {A} grew sad. ## A point sad, prop ground
--
"It goes up, but nobody holds it there," said {A}.
"Throwing alone is not enough," said {A}.
>> {A} throws {the prop} up but it falls {ground} ## A sad, prop ground
>> {A} jumps and throws {the prop}, but it lies {ground} again ## A jump sad, prop ground

== kite.help
{B} came along and pointed at {the prop} {ground}. "Is it asleep?" {B.he} asked, but {A} was too sad to laugh. ## B point, A sad, prop ground
"Are you taking it for a walk?" asked {B}, who came closer. {A} looked sadly at {the prop} {ground}. ## B walk, A sad, prop ground
--
"I don't know how either," said {B}, "but I can hold something."
"It needs a tail," said {B}, "everything that flies has a tail."
>> {B} comes and points at {the prop} {ground}. {A} is %rsad. ## B point, A sad, prop ground
>> {B} wants to know why {the prop} lies {ground} and {A} is %rsad ## B walk, A sad, prop ground

== kite.tail
{A} picked up {the prop} and tied a tail of old socks to it. {B} laughed out loud, and even {A} had to smile. ## B happy, A happy, prop A
{B} brought ribbons for a tail. {A} held {the prop}, and {B} tied knots, so many that {A} was surprised. ## B happy, A surprised, prop A
{A} took {the prop} on {A.own} knees and sat down, and {B} tied a long tail to it. ## A sit, B happy, prop A
-- +plain
Now it looked good, but it still could not fly.
"Beautiful!" said {B}. "Now it only has to want to."
>> {A} holds {the prop} while {B} ties a tail to it ## B happy, prop A
>> they make a tail for {the prop}, {A} sits down and {B} helps ## A sit, prop A

== kite.wind
But then the wind fell asleep. {A} sat down with {the prop} and yawned, and {B} yawned, too. ## A sit sleepy, B sleepy, prop A
Now there was no wind at all. Tired, {A} leaned on {B}, with {the prop} in {A.own} arms. ## A sleepy, prop A
They waited for wind. {A} sat there sadly with {the prop}, and {B} blew into the air and grew very tired. ## A sit sad, B sleepy, prop A
--
Not a leaf was moving.
"Perhaps the wind has the day off," said {B}.
>> there is no wind. {A} sits down with {the prop}. {B} yawns. ## A sit, B sleepy, prop A
>> {A} waits with {the prop} and is %rsleepy, {B} is %rsleepy too ## A sleepy, B sleepy, prop A

== kite.pass
{C} came by and waved. "The wind lives higher up," {C.he} said to {A}, who sat there with {the prop}. ## C wave, A sit, prop A
"Down here there is no wind," said {C}, who came along and pointed up. "Up there it is always awake." {A} looked at {the prop}, surprised. ## C point, A surprised, prop A
--
And {C} went on, whistling.
"Higher up," {A} murmured.
>> {C} comes and tells {A} where the wind is. {A} has {the prop}. ## C walk, prop A

== kite.idea
"Running brings it forward, and throwing brings it up," thought {A} over {the prop}. "{B}, you throw while I run!" ## prop A
{A}'s face lit up, and {A.he} shook {the prop}. "I did one after the other, {B}, but it needs both at once!" ## prop A
"One alone cannot run and throw," murmured {A}, looking at {the prop}. "But we are two, {B}!" ## prop A
-- +plain
"You run, {A}, and I throw," said {B}. "On three!"
"I am very good at throwing!" said {B}.
>> {A} has an idea for {the prop}: {B} throws and {A} runs ## A happy, prop A
>> {A} tells {B} an idea and holds {the prop} ## A happy, prop A

== kite.fly
{A} ran, {B} threw, and a breath of wind came. {The prop} rose up, with the string in {A.own} {A.paw}! ## A walk happy, B happy, prop A
One, two, three! {A} ran, {B} jumped, and {the prop} was in the air. {A} held the string with all {A.own} might. ## A walk happy, B jump happy, prop A
{A} ran, and {B} let go at just the right moment. {The prop} tugged at the string in {A.own} {A.paw} like a little dog. ## A walk happy, B happy, prop A
-- +plain
"It flies!" shouted {A}. "It flies!" shouted {B}.
Higher and higher it went, and even the birds stared.
>> {A} runs and {B} throws and {the prop} flies! ## A walk happy, B happy, prop A
>> {the prop} is in the air, {A} holds the string and {B} jumps ## A happy, B jump happy, prop A
>> {A} runs, {B} throws and {the prop} goes up ## A walk, prop A
>> {A} runs with {the prop} and {B} helps, and it flies! ## A walk, prop A
>> {the prop} flies high over {A} and {B} ## prop A
>> at last {the prop} flies and {B} jumps up and down. {A} holds it. ## B jump, prop A

== kite.turn
"Now you," said {A} and gave the string of {the prop} to {B}, who stared up in surprise. ## B surprised, prop B
{A} let {B} hold {the prop}. It pulled so hard that {B} danced over the ground. ## B jump happy, prop B
{A} gave {the prop} to {B} and pointed out where the best wind was. ## B happy, A point, prop B
--
"It is like holding a piece of sky," said {B}.
"Don't fly away with it!" laughed {A}.
>> {A} lets {B} hold the string of {the prop} ## prop B
>> {A} gives {the prop} to {B} and {B} is %rsurprised ## B surprised, prop B

== kite.close
Tired and happy, {A} and {B} sat together, and {B} rolled up the string of {the prop}. "Thank you, {B}, for your good throw!" said {A}. ## A sit sleepy, B sit sleepy, prop B
"Thank you, {B}," said {A}, "you were half of the wind." {B} held {the prop} and waved to a bird that flew by. ## B wave happy, prop B
{A} and {B} danced home, and {B} carried {the prop} with its tail of socks. "Thank you, {B}!" sang {A}. ## A jump happy, B jump happy, prop B
-- +plain
Some things fly only when there are two.
That night {B} kept {the prop} by the bed, and perhaps it dreamed of clouds. ## prop B
And the very next day they went out to fly it again.
"""


CLOCKS = ("kitchen", "library", "bedroom", "village")
"""Where one would look for an old clock."""


def birthday_cake(t: Teller) -> None:
    """Every mistake teaches something, and at last none is left."""
    t.fixed = {"give"}
    t.tell("cake.open")
    t.tell("cake.first")
    t.tell("cake.help")
    t.tell("cake.second")
    if t.chance(0.6):
        t.tell("cake.missing")
    t.pass_time(0.35)
    t.tell("cake.tired")
    t.tell("cake.idea", free=False)
    t.tell("cake.done", hold="A", free=False)
    t.tell("cake.walk", place=t.another_place(), free=False)
    t.tell("cake.surprise", free=False)
    t.tell("cake.give", hold="C", free=False)
    t.put_away()
    t.pass_time(0.3)
    t.tell("cake.close", end=True, free=False)


def flower_grows(t: Teller) -> None:
    """Too much of everything, except of time."""
    t.fixed = {"give", "weather"}
    t.tell("flower.open")
    t.tell("flower.wait")
    t.tell("flower.water")
    t.tell("flower.help")
    t.tell("flower.sing")
    if t.chance(0.5):
        t.tell("flower.pull", free=False)
    t.pass_time(0.5)
    t.tell("flower.sad")
    t.tell("flower.idea", free=False)
    if t.time != "day":
        t.pending = ["time.day"]
    t.tell("flower.days", free=False)
    t.tell("flower.bloom", hold="ground", free=False)
    if t.chance(0.5):
        t.tell("flower.friend", free=False)
    t.tell("flower.close", end=True, free=False)


def key_found(t: Teller) -> None:
    """Smaller than a door and bigger than a clock: a chest."""
    t.fixed = set()
    t.tell("key.open", hold="A")
    t.tell("key.try1")
    t.tell("key.help")
    t.tell("key.try2", place=t.another_place(*CLOCKS), free=False)
    t.change_weather(0.2)
    t.tell("key.fall", hold="ground", free=False)
    t.pass_time(0.4)
    t.tell("key.pick", hold="A", free=False)
    t.tell("key.idea", free=False)
    t.tell("key.chest", place=t.another_place(), free=False)
    t.tell("key.click", free=False)
    t.put_away()
    t.tell(
        "key.inside", prop=t.pick("book", "drum", "gift", "lantern", "boat"), hold="C", free=False
    )
    t.tell("key.close", hold="A", end=True, free=False)


def learn_to_fly_a_kite(t: Teller) -> None:
    """Running brings it forward, throwing brings it up; it needs both at once."""
    t.fixed = set()
    t.tell("kite.open", hold="A")
    first = t.pick("run", "throw")
    t.tell(f"kite.{first}", hold="ground", free=False)
    t.tell("kite.throw" if first == "run" else "kite.run", hold="ground", free=False)
    t.tell("kite.help", free=False)
    t.tell("kite.tail", hold="A")
    t.pass_time(0.3)
    t.change_weather(0.15)
    t.tell("kite.wind")
    if t.chance(0.5):
        t.tell("kite.pass", free=False)
    t.tell("kite.idea", free=False)
    t.tell("kite.fly", free=False)
    t.tell("kite.turn", hold="B", free=False)
    t.tell("kite.close", end=True, free=False)
