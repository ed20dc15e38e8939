# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""Tales of going somewhere: a wet picnic, a present to deliver, a race, a friend lost in the snow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedstory_core.data.world import PLACES

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

TEXT = """
== picnic.open
{Once}, {A} spread a blanket {in place} and put {a prop} in the middle. Today there would be a picnic! ## A happy, prop ground
{Once}, {A} sat on a checked blanket {in place}, with {a prop} {ground} before {A.him}, and waited for a guest. ## A sit happy, prop ground
{Once}, {A} hopped about {in place} for joy. On a blanket lay {a prop}, ready for a picnic. ## A jump happy, prop ground
--
"A picnic is lunch with ants," said {A} happily.
All week long {A} had looked forward to this day.
>> {A} has a picnic {in place} with {a prop} {ground} ## A happy, prop ground
>> {A} puts {the prop} {ground} {in place} for a picnic. ## prop ground

== picnic.guest
{B} came walking up and waved. {A} pointed proudly at {the prop} {ground}. "All for us!" {A.he} said. ## B wave, A point happy, prop ground
"Am I late?" asked {B} and hurried closer. {A} laughed and pointed at {the prop} {ground}. ## B walk, A point happy, prop ground
{A} waved with both arms, because {B} was coming. {B.He} sat down at once, and {the prop} was waiting {ground}. ## A wave, B sit, prop ground
-- +plain
"I am so hungry that my belly is singing," said {B}.
"I brought nothing but my hunger," said {B} cheerfully.
>> {B} comes and {A} shows {B.him} {the prop} {ground} ## B walk, A point, prop ground
>> {A} waves because {B} comes to the picnic ## A wave, B walk

== picnic.rain
But just as they wanted to begin, plop, a fat drop fell on {A.his} {A.nose}. Then it rained, and {A} and {B} jumped up, startled. ## A jump surprised, B jump surprised, weather rain
Plop, plop, plop! It began to rain. {A} stared up at the sky, and {B} frowned at the wet blanket. ## A surprised, B cross, weather rain
Dark clouds rolled in, and it rained as if somebody had tipped out a bucket. {A} was sad, and {B} grew cross. ## A sad, B cross, weather rain
--
"Not today!" called {A}. "Any day, but not today!"
"The ants have gone home already," said {B}.
>> then it rains on the picnic. {A} is %rsurprised ## A surprised, weather rain
>> it rains and {A} and {B} are %rcross ## A cross, B cross, weather rain

== picnic.tree
{A} picked up {the prop} and ran under a bush with {B}. But the drops came through the leaves and ran down their necks. ## A walk, B walk, prop A
Quickly {A} took {the prop} and hurried with {B} under a tree. The tree was just as wet as the rain. ## A walk, B walk, prop A
{A} grabbed {the prop}, and with {B} {A.he} ran to the nearest roof of leaves. Drip, drip, it leaked everywhere. ## A walk, B walk, prop A
--
"Leaves have holes between them," said {B}.
"My ears are full," said {B}.
>> {A} takes {the prop} and runs under a tree with {B} ## A walk, B walk, prop A
>> they hide under a tree, {A} holds {the prop} ## A sad, prop A

== picnic.blanket
Then {A} and {B} held the blanket over their heads and over {the prop} in {A.own} arms. Soon the blanket was as heavy as a stone, and both were %cross. ## A cross, B cross, prop A
{B} stretched the blanket out like a roof, while {A} kept {the prop} dry. But the roof began to drip, and {B} grumbled. ## B point cross, A happy, prop A
"The blanket is our tent!" said {B}. But it was a very wet tent, and {A} looked sadly at {the prop} in {A.own} arms. ## A sad, prop A
--
"This tent is a bath," said {A}.
"A roof must be where walls are," said {B}.
>> they use the blanket as a roof over {A}, who holds {the prop} ## A happy, prop A
>> {B} holds the blanket over {A} and {the prop} ## B point, prop A
>> {B} puts the blanket over {A}, who has {the prop} ## prop A

== picnic.sad
{A} sat down with {the prop} in {A.own} arms, wet and sad. "My beautiful picnic," {A.he} sobbed, and {B} sat down, too. ## A sit sad, B sit, prop A
Wet to the bone, {A} sat there and held {the prop}. {B} looked at {A.him} and was (sad|unhappy), too. ## A sit sad, B sad, prop A
"It is all over," sighed {A} over {the prop}, and {A.own} {A.ears} drooped. {B} sat down close by. ## A sad, B sit, prop A
--
"A picnic without the sun is no picnic," said {A}.
"At least we are wet together," said {B}.
>> {A} sits down with {the prop} and is %rsad ## A sit sad, prop A
>> {A} is very %rsad about the picnic, and so is {B}. {A} holds {the prop}. ## A sad, B sad, prop A
>> {A} sits there with {the prop} and cries ## A sit sad, prop A
>> {A} has to sit down with {the prop} and feels %rsad ## A sit sad, prop A

== picnic.idea
"A roof must be where walls are," thought {A}, hugging {the prop}. "Who says that a picnic needs grass, {B}?" ## prop A
{A}'s face lit up over {the prop}. "A blanket also fits on a floor, {B}! We will have our picnic indoors!" ## prop A
"We don't need the sun," whispered {A} to {B} and {the prop}. "We only need a dry blanket and us!" ## prop A
-- +plain
"A picnic indoors!" laughed {B}. "Without a single ant!"
"You are a genius," said {B}, astonished, "a wet one." ## B surprised
>> {A} has an idea for the picnic and holds {the prop}. {B} laughs. ## A happy, prop A
>> {A} tells {B} to have the picnic indoors, with {the prop} in {A.own} arms ## A happy, prop A

== picnic.inside
So they ran {to place}, {A} in front with {the prop} and {B} behind with the wet blanket. ## A walk happy, B walk happy, prop A
{A} hurried {to place} with {the prop}, and {B} followed, dripping and laughing. ## A walk happy, B walk happy, prop A
Off they went {to place}! {A} carried {the prop}, {B} carried the rest, and they ran as fast as they could. ## A walk happy, B walk, prop A
-- +plain
The rain drummed on the roof, but nobody minded now.
"Wipe your feet!" called {A}.
>> they run {to place} with {the prop}. {A} first, then {B}. ## A walk, B walk, prop A
>> {A} and {B} go {to place}, {A} has {the prop} ## A walk, B walk, prop A

== picnic.third
There they met {C}, who looked at them in surprise. "Would you like to come to our picnic?" asked {A} and showed {C.him} {the prop}. ## C surprised, A point happy, prop A
{C} was already there and stared at the two wet friends. "We are having a picnic," said {A} and held up {the prop}. ## C surprised, A happy, prop A
"A picnic, here?" asked {C}, who came in, astonished. {A} nodded and held up {the prop}. ## C walk surprised, A happy, prop A
--
"I can make a sun out of paper," said {C}.
"I will be the ants," said {C}.
>> {C} is there and {A} shows {C.him} {the prop} ## C surprised, A point, prop A

== picnic.eat
{A} set {the prop} {ground}, in the middle of a dry blanket, and {A} and {B} sat down beside it like kings. ## A sit happy, B sit happy, prop ground @ -third
Soon a dry blanket was spread out. {A} put {the prop} down {ground}, and {B} sat down beside it, full of joy. ## A happy, B sit happy, prop ground @ -third
Soon {the prop} lay {ground} on a dry blanket, and {A} and {B} sat there and told jokes with full mouths. ## A sit happy, B sit happy, prop ground @ -third
{A} set {the prop} {ground}, in the middle of a dry blanket, and {A}, {B} and {C} sat down around it like kings. ## A sit happy, B sit happy, C sit happy, prop ground @ third
Soon {the prop} lay {ground} on a dry blanket, and {A}, {B} and {C} sat around it and told jokes with full mouths. ## A sit happy, B sit happy, C sit happy, prop ground @ third
-- +plain
"Look, no ants!" said {A}. "I almost miss them," said {B}.
It tasted twice as good, because it had been so hard to get.
>> {A} puts {the prop} {ground} and they sit down, {B} too ## A sit, B sit, prop ground
>> {A} and {B} sit and eat, {the prop} is {ground} ## A sit happy, B sit happy, prop ground

== picnic.close
"Thank you, {B}, for getting wet with me," said {A}, who was full and (sleepy|tired). They laughed until late. ## A sleepy
{A} yawned and leaned back, and {B} was just as full and tired. "Thank you for staying, {B}," said {A}. ## A sleepy, B sleepy
{A} and {B} danced on the blanket until they were dry again. "Thank you, {B}!" called {A}. ## A jump happy, B jump happy
-- +plain
And outside the rain was having its own picnic.
Anybody can have a picnic in the sun.
And the next time it rained, they spread the blanket at once.

== deliver.open
{Once}, {A} walked along {in place} with {a prop}. It was for a friend who had been alone for days. ## A walk happy, prop A
{Once}, {A} stood {in place} and looked at {a prop} in {A.own} {A.paw}. "This will be for my friend, who is so often alone," {A.he} said. ## A happy, prop A
{Once}, {A} hurried along {in place} and carried {a prop}, which was for a friend far away. ## A walk happy, prop A
--
"What a happy face I will see!" thought {A}.
"Step by step, and nothing can go wrong," said {A}.
>> {A} wants to bring {a prop} to a friend. {A.He} is {in place}. ## A happy, prop A
>> {A} is {in place} with {a prop} for a friend ## A happy, prop A

== deliver.way
{A} went {to place} and sang on the way, with {the prop} held high so that nothing could happen to it. ## A walk happy, prop A
The way led {to place}. {A} carried {the prop} in front of {A.him} and walked very carefully. ## A walk, prop A
{A} strolled {to place} and told {the prop} where they were going. ## A walk happy, prop A
-- +plain
A bird flew ahead, as if it knew the way.
"Not far now," said {A}, though it was still very far.
>> {A} walks {to place} with {the prop} ## A walk, prop A
>> {A} goes {to place} and takes {the prop} along. ## A walk, prop A

== deliver.stop
But there a wide ditch full of water blocked the way. {A} stopped, hugged {the prop}, and stared at it. ## A surprised, prop A @ outdoors
--
"Who put that there?" asked {A}. "It was not here last week!"
"I could swim," thought {A}, "but presents cannot."
>> there is water in the way and {A} stops with {the prop} ## A surprised, prop A
>> {A} cant go on because of a wide ditch. {A.He} holds {the prop}. ## A surprised, prop A

== deliver.jump
{A} jumped, but in the middle {A.he} turned around in the air, because {the prop} was in the way. {A.He} landed on {A.own} seat, cross. ## A jump cross, prop A
{A} jumped to see if it would work. Splash! Now one foot was wet, and {the prop} almost got wet, too. {A.He} grumbled. ## A jump cross, prop A
With {the prop} in {A.own} arms {A} jumped as far as {A.he} could. It was just far enough to get very wet, and {A.he} was angry. ## A jump cross, prop A
--
"One cannot jump with full arms," grumbled {A}. ## A cross
"I need free arms," said {A}, "but then who carries it?"
>> {A} jumps with {the prop} but only gets wet ## A jump cross, prop A
>> {A} tries to jump over with {the prop} ## A jump, prop A

== deliver.help
{B} came walking along, and {A} told {B.him} about the friend, holding {the prop} and sniffing sadly. ## B walk, A sad, prop A
"May I help you carry that?" asked {B}, who came by and waved. {A} shook {A.own} head over {the prop}, (sad|unhappy). ## B wave, A sad, prop A
{A} looked sadly from {the prop} to the water, when {B} came hurrying along. "What is the matter?" {B.he} asked. ## A sad, B walk, prop A
--
"A friend of yours is a friend of mine," said {B}.
"Then we must get across together," said {B}.
>> {B} comes and asks {A}, who has {the prop} ## B walk, A sad, prop A

== deliver.plank
{B} laid a plank over the water and tested it with a jump. Crack! It broke, and {A} pressed {the prop} to {A.own} heart, startled. ## B jump, A surprised, prop A
{A} and {B} pushed a plank across. But it bent so much that {A} ran back with {the prop}, and both were startled. ## A walk surprised, B surprised, prop A
{B} walked ahead over a thin plank. Crack! {B.He} stood in the water, and {A} stared at {B.him} over {the prop}. ## B walk, A surprised, prop A
--
"That plank was much too thin," said {B}.
"We need something better than a plank," said {B}.
>> {B} builds a bridge but it breaks. {A} holds {the prop}. ## B surprised, A surprised, prop A
>> {B} jumps on the plank and crack. {A} has {the prop} and is %rsurprised ## B jump, A surprised, prop A

== deliver.sad
{A} sat down with {the prop} and sniffed. "My friend is waiting," {A.he} said to {B}, "and I will be too late." ## A sit sad, prop A
Tired, {A} sat down and held {the prop} on {A.own} knees. {B} sat down, too, and thought very hard. ## A sit sleepy, B sit, prop A
"It is no use," sighed {A}, and sat there sadly with {the prop}. {B} scratched {B.own} head. ## A sit sad, prop A
--
A snail crawled by and crossed the water on a leaf.
"Don't give up," said {B}, "we still have four arms."
>> {A} sits down with {the prop} and is %rsad ## A sit sad, prop A
>> {A} and {B} sit down, {A} holds {the prop} ## A sit sleepy, B sit, prop A
>> {A} has {the prop} and sits down and cries ## A sit sad, prop A
>> {A} sits down and is so %rsad with {the prop} ## A sit sad, prop A

== deliver.idea
"With full arms nobody can jump, and with empty arms it is easy," thought {A} over {the prop}. "{B}, you hold it while I jump!" ## prop A
{A} looked at {the prop}. "I jump with empty arms, {B}, and then you hand it to me!" {A.he} said, and {A.own} face lit up. ## prop A
"We have four arms," murmured {A} and hugged {the prop}. "{B}, one of us jumps, and the other one hands it over!" ## prop A
-- +plain
"I have long arms and a good eye," said {B}.
"So simple!" said {B}, amazed. "Why did we not see it before?" ## B surprised
>> {A} has an idea how to carry {the prop} across and tells {B} ## A happy, prop A
>> {A} tells {B} a plan and holds {the prop} ## A happy, prop A

== deliver.across
{A} gave {the prop} to {B}, jumped over with empty arms, and landed safely. Then {B} stretched out {B.own} arm with it. ## A jump happy, B point, prop B
{B} took {the prop}. {A} jumped, and what a jump it was! Then {B} reached across the water and smiled. ## A jump happy, B point happy, prop B
"Hold it well!" said {A} and handed {the prop} to {B}. Then {A.he} leapt across, light as a feather. ## A jump happy, prop B
-- +plain
"And now, carefully!" called {A}.
Not a single drop touched it.
>> {A} gives {the prop} to {B} and jumps across ## A jump, prop B
>> {B} holds {the prop} while {A} jumps ## A jump, prop B

== deliver.take
On the other side {A} took {the prop} back from {B}, who jumped across as well. Nothing could stop them now! ## A happy, B jump happy, prop A
{B} stretched, and {A} stretched, too, and took {the prop} back. It was as dry as a biscuit. ## B point, A point happy, prop A
Hand over hand it went, and then {A} held {the prop} again. {B} leapt after {A.him}, laughing. ## A happy, B jump happy, prop A
--
"We are a bridge made of friends," said {A}.
"And onward!" called {B}.
>> {A} takes {the prop} again and {B} jumps after {A.him} ## A happy, B jump, prop A

== deliver.arrive
At last they came {to place}. There sat {C}, a little sad, until {A} came closer with {the prop} and {B} sang a song. ## C sit sad, A walk happy, B happy, prop A
{C} sat {in place} and sighed, for nobody had come to visit. Then {A} walked up with {the prop}, and {B} came behind. ## C sit sad, A walk happy, B walk, prop A
{A} and {B} walked {to place}, and there was {C}, all alone and sad. "Surprise!" called {A} and held up {the prop}. ## A walk happy, B walk, C sad, prop A
-- +plain
"You came all this way?" asked {C}.
"We had a little trouble with some water," said {B}.
>> they come {to place} and find {C}, who is %rsad. {A} has {the prop}. ## A walk, C sad, prop A
>> {A} and {B} arrive {in place} with {the prop} and there is {C} ## A walk happy, B walk, prop A

== deliver.give
"This is for you," said {A} and gave {the prop} to {C}, who jumped for joy. ## C jump happy, prop C
{A} handed {the prop} to {C}, who was too surprised to say thank you, and then said it three times. ## C surprised, prop C
{C} took {the prop} from {A} with both arms, and a big smile spread over {C.own} face. ## C happy, prop C
--
"It is the most beautiful thing I ever got," said {C}.
"It was worth every wet sock," said {A}.
>> {A} gives {the prop} to {C}, who is very %rhappy ## C happy, prop C
>> {C} gets {the prop} from {A} and jumps ## C jump, prop C

== deliver.close
{A}, {B} and {C} sat together and ate biscuits, and {C} never let go of {the prop}. "Thank you, {B}, for your arms," said {A}. ## A sit happy, B sit, C sit happy, prop C
"Thank you, {A}, and thank you, {B}," said {C} with {the prop} in {C.own} {C.paw}. {B} blushed and looked away. ## C happy, B happy, prop C
{C} danced about with {the prop}, and {A} and {B} danced along, wet feet and all. ## C jump happy, A jump happy, B jump happy, prop C
-- +plain
And the best part of giving is the way there.
And the water on the path? Soon they built a proper bridge.
"Next time I will visit you," said {C}, "and I will bring something nice, too."

== race.open
{Once}, {A} jumped up and down {in place}. "I am the fastest of all!" {A.he} called, so that everybody could hear it. ## A jump happy
{Once}, {A} ran around {in place}, faster and faster. "Nobody can beat me!" {A.he} said. ## A walk happy
{Once}, {A} told everybody {in place} how fast {A.he} was, and {A.he} danced while {A.he} said it. ## A jump happy
--
"I am as fast as the wind, and the wind has no legs," said {A}.
A snail looked at {A} and did not believe a word.
>> {A} is {in place} and says {A.he} is the fastest ## A happy
>> {A} runs around {in place} and wants a race ## A walk

== race.dare
{B} came along slowly. "Shall we have a race?" {B.he} asked. {A} laughed until {A.own} belly hurt. ## B walk, A happy
"I would like to race with you," said {B} and pointed at the path. {A} could hardly believe it and stared. ## B point, A surprised
{B} raised one arm and pointed. "Once around and back here, you and I," {B.he} said. {A} grinned. ## B point, A happy
-- +plain
"I am not fast," said {B}, "but I never stop."
"You will only see my dust," said {A}.
>> {B} wants to race with {A} ## B happy
>> {A} and {B} want to have a race ## A happy, B happy

== race.start
{C} stood there with {a prop} for the winner and counted, "One, two, three!" {A} ran off, and {B} walked after {A.him}. ## A walk, B walk, prop C
"Ready, steady, go!" called {C} and held up {a prop}, the prize. {A} ran like the wind, and {B} walked. ## A walk, B walk, prop C
{C} held {a prop} up high. "This is for the winner. Go!" {C.he} called and pointed ahead. {A} ran off, and {B} went step by step. ## C point, A walk, B walk, prop C
-- +plain
The dust flew up behind {A}.
Soon {A} was only a dot far away.
>> {C} holds {the prop} and the race begins. {A} and {B} run. ## A walk, B walk, prop C
>> {C} says go and has {the prop}. {A} runs fast and {B} slow. ## A walk, B walk, prop C

== race.trip
{A} looked back to laugh at the others, tripped over a root, and sat on the ground in surprise. ## A sit surprised
{A} was so fast that {A.he} did not see the stone. Bump! {A.He} sat in the dust and stared. ## A sit surprised
While {A} turned back to look, {A.own} feet went on alone. Bump, there {A.he} sat, astonished. ## A sit surprised
-- +plain
"Who put the ground there?" asked {A}.
"It does not matter," said {A}, "I have plenty of time."
>> {A} trips and falls down ## A sit surprised
>> {A} looks back and falls over a stone ## A sit surprised

== race.nap
{A} yawned. "I am so far in front that I can take a nap," {A.he} said and sat down under a bush. ## A sit sleepy
Nobody was near, and so {A} sat down and closed {A.own} tired eyes. "Only for one minute," {A.he} yawned. ## A sit sleepy
"Being fast makes one sleepy," yawned {A}. {A.He} sat down, and two breaths later {A.he} was asleep. ## A sit sleepy
-- +plain
{A} dreamed of a big shiny prize.
And {A} snored so loudly that the birds complained. ## A sleepy
>> {A} sits down and takes a nap ## A sit sleepy
>> {A} is %rsleepy and sleeps a little ## A sleepy

== race.pass
Step by step {B} came walking by and saw {A}, who sat there fast asleep. ## B walk, A sit sleepy
{A} was sitting there, fast asleep, when {B} walked past on tiptoe, as quietly as falling snow. ## A sit sleepy, B walk
After a long time {B} walked around the corner. There sat {A} and slept! {B} was surprised. ## B walk surprised, A sit sleepy
-- +plain
"Sleep well," whispered {B} and went on.
"One foot, and then the other," {B} hummed.
>> {B} walks by while {A} sleeps ## B walk, A sit sleepy
>> {B} passes {A}, who is sleeping ## B walk, A sleepy

== race.wake
{A} jumped up, startled. {B} was already far ahead! "Wait!" {A.he} called. ## A jump surprised
A fly tickled {A} on the {A.nose}. {A.He} jumped up, and what a surprise it was! Far in front walked {B}. ## A jump surprised, B walk
Suddenly {A} was wide awake. {A.He} stared, for {B} was almost at the finish. ## A surprised
-- +plain
{A} ran as {A.he} had never run before. ## A walk
"My legs, don't fail me now!" called {A}.
>> {A} wakes up and sees that {B} is in front ## A surprised
>> {A} jumps up because {B} is winning ## A jump surprised, B happy

== race.hurt
But {A} ran too fast around the bend, and {A.own} foot slipped. {A} sat there, and {B} heard {A.him} sob. ## A sit sad
Then {A} slipped and sat on the ground, and this time there were tears. {B} looked around, startled. ## A sit sad, B surprised
"Ouch!" called {A} and sat down, with tears in {A.own} eyes. {B} stopped just before the finish, surprised. ## A sit sad, B surprised
-- +plain
The finish was only ten steps away.
What was {B} to do now?
>> {A} falls and is hurt. {B} stops. ## A sit sad, B surprised
>> {A} slips and cries, {B} hears it ## A sit sad

== race.back
{B} did not think twice. {B.He} walked back to {A} and held out {B.own} {B.paw}. {A} was ashamed and sad. ## B walk, A sad
"Winning alone is no fun," said {B}, who came back and helped {A} up. {A} could not believe it and stared. ## B walk, A surprised
-- +plain
"But you would have won!" said {A}.
"I never stop," said {B}, "but for a friend I do."
>> {B} goes to {A} and helps {A.him} up ## B walk, A surprised
>> {B} turns around to help {A}, who is %rsad ## B walk, A sad

== race.idea
"You are slow but never tired, {B}, and I am fast but never careful," thought {A}. "Together we are just right!"
{A} wondered for a moment. "First I tripped, then I slept, then I slipped," {A.he} said. "{B}, let us go on together!"
"I was too fast three times," murmured {A}. "Teach me your steps, {B}, and we will both arrive!"
-- +plain
"One foot, and then the other," said {B} and smiled.
"Three legs are enough for two," said {B}.
>> {A} wants to walk together with {B} ## A happy
>> {A} has an idea: they go on together, {A} and {B} ## A happy, B happy

== race.finish
Arm in arm {A} and {B} walked over the finish. {C} jumped for joy with {the prop}. "Hooray!" {C.he} called. ## A walk happy, B walk happy, C jump happy, prop C
{A} and {B} walked in step and crossed the line together. {C} stared in surprise, {the prop} in {C.own} {C.paw}. ## A walk happy, B walk happy, C surprised, prop C
Step by step {A} and {B} walked to the finish, and {C} waved with {the prop}. ## A walk happy, B walk happy, C wave happy, prop C
--
"Who was first?" asked {C}. "We were," said both of them.
Everybody cheered, even the birds.
>> {A} and {B} cross the line together and {C} waves with {the prop} ## A walk happy, B walk happy, C wave, prop C

== race.prize
{C} gave {the prop} to {A}, but {A} gave it to {B} at once. "You stopped for me, {B}," {A.he} said. "Thank you!" ## B happy, prop B
"This is for both of you," said {C}, and {B} took {the prop}. {A} clapped and jumped as well as {A.he} could. ## B happy, A jump happy, prop B
{A} took {the prop} from {C} and put it into the arms of {B}. {B} was very surprised. "You turned around for me," said {A}. ## B surprised, prop B
--
"And the fastest is the one with the fastest heart," said {C}.
{B} blushed from head to toe.
>> {B} gets {the prop} and {A} says thank you ## B happy, A happy, prop B
>> {A} gives {the prop} to {B} as a prize ## A happy, prop B

== race.close
{B} walked home with {the prop}, very slowly, and {A} walked beside {B.him}, just as slowly. ## B walk happy, A walk happy, prop B
Tired and happy, {A} and {B} sat down side by side, and {B} turned {the prop} around and around. ## A sit sleepy, B sit happy, prop B
-- +plain
{A} never said again that {A.he} was the fastest of all.
One sees so much more when one walks slowly.
A snail had run, too, and arrived three days later, very proud.

== snow.open
{Once}, {A} stood {in place} and looked out sadly into the white world. A friend was still out there in the snow. ## A sad
{Once}, {A} walked up and down {in place} and was worried. A friend should have been home for a long time. ## A walk sad
{Once}, {A} waited {in place} for a friend who wanted to come for cocoa. Nobody came, and {A} was worried. ## A sad
-- +plain
"Something must have happened," said {A}.
The cocoa had grown cold by now, and {A} sighed. ## A sad
>> {A} waits {in place} for a friend who does not come ## A sad, weather snow
>> {A} is worried {in place} because a friend is lost in the snow ## A sad, weather snow

== snow.help
{B} came in with snow on both feet and waved. "I will come with you," {B.he} said to {A}, who was very worried. ## B wave, A sad
{A} hurried to {B}. "Somebody is lost out there," {A.he} said sadly, and {B} jumped up at once. ## A walk sad, B jump
{A} told {B} about the lost friend, sniffed, and pointed out at the white slope. {B} put on two scarves at once. ## A point sad
--
"Let us go before the snow gets deeper," said {B}.
"Everybody who is lost can be found," said {B}.
>> {B} wants to help {A} look for the friend ## A sad
>> {A} tells {B} that a friend is lost and points up ## A point sad

== snow.call
{A} and {B} walked {to place} and called as loudly as they could. But the snow swallowed every word. ## A walk, B walk
So they went {to place}, {A} first and {B} behind. They called and called, but the snow made everything quiet. ## A walk, B walk
{A} and {B} walked {to place} through deep snow. "Hello!" they called, but their voices did not get far. ## A walk, B walk
--
"Snow is like cotton wool in the ears," said {B}.
"Calling does not carry far in the snow," said {A}.
>> they go {to place} and call. {A} and {B} walk in the snow. ## A walk, B walk
>> {A} and {B} walk {to place} to look for the friend ## A walk, B walk

== snow.tracks
{B} pointed at the ground. "Footprints!" {A} followed them in a hurry, but after ten steps the snow had covered them. ## B point, A walk
{A} pointed at some footprints, and {B} followed them. Around a tree they went, and then they simply stopped. ## A point, B walk
There were tracks in the snow! {A} followed them, but the wind had blown them away, and {B} frowned. ## A walk, B cross
-- +plain
"Footprints tell nothing when it snows," said {A}.
"The snow eats everything," sighed {B}. ## B sad
>> {B} points at footprints and {A} follows them ## B point, A walk
>> {A} finds tracks but the snow covers them ## A sad

== snow.sad
{A} sat down in the snow and wept. "We will never find anybody here," {A.he} said, and {B} was very tired, too. ## A sit sad, B sleepy
Cold and tired, {A} and {B} sat down behind a rock. "I am so worried," said {A} and sniffed. ## A sit sad, B sit sleepy
{B} yawned and shivered and sat down for a moment. {A} looked into the white and was very sad. ## B sit sleepy, A sad
--
"Don't fall asleep!" said {B}. "Think!"
Far below they could see one tiny window, as bright as a star.
>> {A} sits down in the snow and cries. {B} is tired. ## A sit sad, B sleepy
>> {A} and {B} are tired and cold ## A sleepy, B sleepy
>> {A} sits in the snow and is %rsad, and {B} is so tired ## A sit sad, B sleepy

== snow.window
{A} looked back and saw a tiny light. "How far one can see it, {B}!" {A.he} said, surprised, and pointed at a window far below. ## A point surprised
"Look," said {B} and pointed. Far away, a little window was shining. {A} stared at it and could not stop thinking. ## B point, A surprised
-- +plain
The snow had swallowed the sound, but not the light.
Not one bit of that light was lost.
>> {B} points at a light far away. {A} is %rsurprised ## B point, A surprised

== snow.idea
"The snow eats words and footprints, but not light," thought {A}. "{B}, we don't have to find anybody. We must be found!"
{A} wondered about the light. Then {A.own} face lit up. "Light goes farther than our voices, {B}! We will make a light ourselves!"
"We were looking the wrong way around," whispered {A}. "{B}, somebody must see us!"
-- +plain
"I have something in my bag for that," said {B}.
"My grandmother packed something for me," said {B}, "I thought it was too heavy."
>> {A} has an idea with a light and tells {B} ## A happy
>> {A} wants to make a light so that somebody sees them, {B} likes it ## A happy, B happy

== snow.lantern
{B} pulled {a prop} out of {B.own} bag and lit it. {A} jumped for joy, because it shone over the whole slope. ## A jump happy, prop B
{B} took {a prop} out of {B.own} bag and stretched up as high as possible with it, and {A} waved with both arms. ## B point, A wave, prop B
{B} lit {a prop} and swung it to and fro. {A} waved beside {B.him} and hoped and hoped. ## A wave, prop B
-- +plain
The snow glittered like sugar.
They waited without a word.
>> {B} holds up {a prop} and {A} waves ## B point, A wave, prop B
>> {B} lights {the prop}, {A} jumps ## A jump, prop B

== snow.found
And then somebody came through the snow. It was {C}, cold and tired! {A} waved, and {B} swung {the prop}. ## C walk sleepy, A wave happy, prop B
"I can see you!" called a voice, and out of the white came {C}, sobbing for joy. {A} ran up, and {B} held {the prop}. ## C walk sad, A walk happy, prop B
A small figure came nearer and nearer, and it was {C}! {A} jumped for joy, and {B} with {the prop} did, too. ## C walk happy, A jump happy, B jump happy, prop B
-- +plain
"I walked in circles for hours," said {C}, "and then I saw your light."
"I heard nothing and saw nothing, only that light," said {C}.
>> {C} comes through the snow to {A} and {B}, who has {the prop} ## C walk, prop B
>> they find {C} in the snow! {A} is %rhappy, {B} holds {the prop} ## A happy, prop B

== snow.home
{B} walked ahead with {the prop}, and {A} and {C} followed {to place}, arm in arm. ## B walk, A walk, C walk, prop B
With {the prop} in front, {B} led them {to place}. {A} held {C} tight the whole way, and {C} was very tired. ##, A happy, C sleepy, prop B
So they went back {to place}, {B} with {the prop}, then {A}, then {C}, who was almost asleep. ## B walk, A walk, C walk sleepy, prop B
-- +plain
Nobody lost anybody this time.
"Never again without a scarf," said {C}.
>> they walk back {to place}, {B} first with {the prop}, then {A} and {C} ## B walk, A walk, C walk, prop B

== snow.close
{A} made fresh cocoa, and {A}, {B} and {C} sat close together around {the prop}, which {B} held on {B.own} knees. ## A sit happy, B sit, C sit happy, prop B
"Thank you, {A}, and thank you, {B}," said {C} and yawned. {B} put out {the prop} and yawned, too. ## C sleepy, B sleepy, prop B
{C} jumped for joy, because {C.own} toes were warm again. "Thank you, {B}," said {A}, "and thank you, dear {prop}!" ## C jump happy, prop B
-- +plain
And ever since, a light has stood in the window.
Outside it went on snowing, but that did not matter now.
Light is the loudest thing in the snow.
"""


def picnic_in_the_rain(t: Teller) -> None:
    """A roof must be where walls are."""
    t.fixed = {"place", "weather", "give"}
    t.tell("picnic.open", hold="ground")
    t.tell("picnic.guest")
    t.tell("picnic.rain", weather="rain")
    t.tell("picnic.tree", hold="A", free=False)
    t.tell("picnic.blanket")
    t.tell("picnic.sad")
    t.tell("picnic.idea", free=False)
    t.tell("picnic.inside", place=t.pick("kitchen", "bedroom", "library"), free=False)
    if t.chance(0.6):
        t.tell("picnic.third", free=False)
        t.flags.add("third")
    t.tell("picnic.eat", hold="ground", free=False)
    t.pass_time(0.5)
    t.tell("picnic.close", end=True, free=False)


def deliver_a_present(t: Teller) -> None:
    """With full arms nobody can jump; four arms are a bridge."""
    t.fixed = set()
    start = t.place
    t.tell("deliver.open", hold="A")
    t.tell("deliver.way", place=t.another_place(outdoors=True))
    t.tell("deliver.stop", free=False)
    t.tell("deliver.jump")
    t.tell("deliver.help")
    if t.chance(0.75):
        t.tell("deliver.plank")
    t.pass_time(0.4)
    t.change_weather(0.25)
    t.tell("deliver.sad")
    t.tell("deliver.idea", free=False)
    t.tell("deliver.across", hold="B", free=False)
    t.tell("deliver.take", hold="A", free=False)
    far = [place for place in PLACES if place != start]
    t.tell("deliver.arrive", place=t.another_place(*far), free=False)
    t.tell("deliver.give", hold="C", free=False)
    t.tell("deliver.close", end=True, free=False)


def race_of_two(t: Teller) -> None:
    """Too fast three times; together is just right."""
    t.fixed = {"place", "give"}
    t.tell("race.open")
    t.tell("race.dare")
    t.tell("race.start", hold="C", free=False)
    t.tell("race.trip", free=False)
    t.tell("race.nap", free=False)
    t.tell("race.pass", free=False)
    t.pass_time(0.4)
    t.change_weather(0.2)
    t.tell("race.wake", free=False)
    t.tell("race.hurt", free=False)
    t.tell("race.back", free=False)
    t.tell("race.idea")
    t.tell("race.finish", free=False)
    t.tell("race.prize", hold="B", free=False)
    t.tell("race.close", end=True)


def lost_in_the_snow(t: Teller) -> None:
    """Snow swallows words and footprints, but not light."""
    t.fixed = {"place", "weather", "give"}
    home = t.place
    t.tell("snow.open")
    t.tell("snow.help")
    t.tell("snow.call", place="mountain")
    t.tell("snow.tracks")
    t.pass_time(0.7)
    t.tell("snow.sad")
    t.tell("snow.window", free=False)
    t.tell("snow.idea", free=False)
    t.tell("snow.lantern", hold="B", free=False)
    t.tell("snow.found", free=False)
    t.tell("snow.home", place=home, free=False)
    t.tell("snow.close", end=True, free=False)
