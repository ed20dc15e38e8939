# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""Tales of getting along: one thing for two, a new neighbour, a bad mood, a shy heart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

TEXT = """
== share.open
{Once}, {A} came {to place} and found {a prop} {ground}. "How lovely!" {A.he} called and jumped for joy. ## A jump happy, prop ground
{Once}, {a prop} lay all alone {in place}. {A} walked by and was amazed at {A.own} luck. ## A walk surprised, prop ground
{Once}, {A} was {in place} when {A.he} saw {a prop} {ground}. {A.He} pointed at it in surprise. ## A point surprised, prop ground
-- +plain
"Whose is it?" asked {A}, but nobody answered.
"It must have been waiting for me," said {A}.
>> {A} finds {the prop} {ground} {in place} ## A happy, prop ground
>> {A} is {in place} and there is {a prop} {ground} ## A surprised, prop ground

== share.both
"I saw it first!" called {B}, who came running. {A} frowned and held {the prop} behind {A.own} back. ## B walk, A cross, prop A
Quickly {A} picked up {the prop}. At that moment {B} came running. "Mine!" {B.he} called, pointing at it, and {A} frowned. ## B point, A cross, prop A
{A} took {the prop} in {A.own} arms. {B} hurried up and stamped {B.own} foot. "But I want it, too!" {B.he} grumbled. ## B walk cross, A happy, prop A
-- +plain
"I touched it first," said {A} crossly. ## A cross
"Finders keepers," said {A}.
There were two friends, and only one thing to play with.
>> {B} comes and wants {the prop} too, but {A} holds it ## B walk, A cross, prop A
>> {A} takes {the prop} and {B} gets %rcross ## B cross, prop A

== share.pull
{A} pulled on one side, and {B} pulled on the other, both of them %cross. In the end {B} got {the prop}. ## A cross, B cross, prop B
{A} pulled, {B} pulled, and suddenly {B} had {the prop} and sat on the ground. Now {A} was %cross. ## B sit, A cross, prop B
With a jerk {B} pulled {the prop} away from {A}, who was angry and stamped both feet. ## A cross, prop B
-- +plain
"Give it back!" grumbled {A}. "Never!" said {B}. ## A cross
"You always want everything!" grumbled {A}. ## A cross
Even the birds flew away, because it was so loud. @ outdoors
>> they pull and pull and {B} gets {the prop} ## prop B
>> {B} takes {the prop} away from {A} and {A} is %rcross ## A cross, prop B

== share.third
{C} walked up because of all the noise. {A} frowned at {B}, who held {the prop} and frowned back. "Take turns!" said {C}. ## C walk, A cross, B cross, prop B
"Why are you shouting?" asked {C}, who came running. {A} frowned, and {B} frowned over {the prop}. "Take turns!" said {C}. ## C walk, A cross, B cross, prop B
{C} had heard the quarrel from far away and came closer. {A} pointed at {B}, who held {the prop}. Both of them frowned. "Take turns!" said {C}. ## C walk, A point cross, B cross, prop B
--
"Each of you may have it until somebody has counted to ten," said {C}.
"One thing and two friends," said {C}, "that is an old riddle."
>> {C} comes and asks why they are so %rcross ## C walk
>> {C} tells {A} and {B} to take turns ## A cross, B cross

== share.turns
So they took turns. But {A} counted to ten so fast that {B} was cross, for {the prop} was gone again at once. ## B cross, prop A
{A} was the first to get {the prop}, and {B} counted, "One, two, ten!" That was not fair, and {A} was too cross to give it back. ## A cross, prop A
They tried it. {A} got {the prop} first, but {B} counted much too fast, and so {A} grew angry. ## A cross, prop A
-- +plain
"Whoever counts wants to be done," sighed {C}, "and whoever plays never wants to stop." ## C sad
"Nobody counts to ten like that," said {C}.
>> they take turns but {A} does not give {the prop} back, {B} is %rcross ## B cross, prop A
>> {A} has {the prop} first and {B} counts too fast ## A cross, prop A

== share.drop
Then {A} and {B} had had enough. {The prop} was left {ground}, and both walked away in different directions, cross and alone. ## A walk cross, B walk cross, prop ground
"Then nobody shall have it!" grumbled {A} and put {the prop} {ground}. {B} turned away without a word, very unhappy. ## A cross, B sad, prop ground
{A} let {the prop} fall {ground} and sat down, angry. {B} sat down, too, as far from {A.him} as possible. ## A sit cross, B sit cross, prop ground
-- +plain
And there it lay, and nobody was playing at all.
Suddenly it was very quiet.
>> they leave {the prop} {ground}. {A} and {B} are sad ## A sad, B sad, prop ground
>> {A} throws {the prop} {ground} and walks away from {B} ## A walk cross, prop ground

== share.lonely
{A} sat all alone and drew lines with {A.own} {A.paw}. "It is no fun to win and have nobody to play with," {A.he} thought sadly. ## A sit sad
{A} walked up and down alone, and {A.own} {A.ears} drooped. "I had the thing," {A.he} thought, "but I lost my friend." ## A walk sad
Alone, {A} sat there and was (very sad|sad and sorry). "With nobody to see it, nothing is fun," {A.he} whispered. ## A sit sad
--
{A} felt lonely and wondered if somebody else did, too. ## A sad
A beetle crept over {A.own} foot, but {A} hardly noticed.
>> {A} sits alone and is %rsad ## A sit sad
>> {A} is lonely and %rsad now ## A sad

== share.sorry
{A} walked over to {B} with hanging head. "I am sorry," {A.he} said sadly, "I would rather have you than win." ## A walk sad
"I am sorry that I was so loud," said {B}, and a tear rolled down {B.own} {B.nose}. {A} was sad, too. ## B sad, A sad
At the very same moment {A} and {B} said, "I am sorry!" Both were so astonished that they had to laugh. ## A surprised, B surprised
-- +plain
"Let us never shout like that again," said {B}.
{C} had been watching from far away with a big smile.
>> {A} says sorry to {B} ## A sad
>> {A} and {B} say sorry ## A sad, B sad

== share.idea
"Turns are bad, because one always has to wait," thought {A}. "So let us find a game, {B}, that only works with two!"
{A}'s face lit up. "One counts and one waits, that was the trouble, {B}. We need something where both do something!"
"What if nobody had to wait, {B}?" wondered {A}. "We could play a game that needs both of us at once!"
-- +plain
"Nobody waits, and nobody counts," said {B}, astonished. "That is it!" ## B surprised
"Why did we not do that at once?" laughed {B}.
>> {A} has an idea for a game for two and tells {B} ## A happy
>> {A} wants to play a game with {B} where nobody has to wait ## A happy

== share.game_move
{A} picked up {the prop} and tossed it to {B}, who caught it with a jump. Back and forth it went, higher and higher. ## B jump happy, prop B @ balloon|ball|apple
{B} picked up {the prop} and held it high while {A} danced, and both laughed until they were out of breath. ## A jump happy, B happy, prop B
{A} hid, and {B} hopped about with {the prop} to look for {A.him}. Whoever was found got it next. ## B jump happy, A happy, prop B
One, two, three! {A} clapped the beat, {B} danced with {the prop}, and both of them sang. ## B jump happy, A happy, prop B
-- +plain
"Again!" called {A}. "And again!" called {B}.
It was twice as much fun as before, because they were two.
>> they play together with {the prop} and {B} catches it ## B happy, prop B
>> {A} throws {the prop} to {B} ## prop B
>> {A} and {B} play together with {the prop} ## prop B
>> {A} and {B} dance with {the prop} ## A jump, B jump, prop B
>> {A} and {B} play a game for two with {the prop} ## A jump, B jump, prop B

== share.thanks
{C} came back, and {A} waved. "Thank you, {C}! Your turns did not work, but they showed us what was wrong." ## C walk, A wave happy
"Come and play, too, {C}!" called {A} and waved. "Without you we would still be shouting." ## A wave happy
{A} and {B} both waved to {C}. "Thank you for listening, {C}, when we did not listen to each other!" called {A}. ## A wave, B wave
--
"Then we need a game for three," said {C}.
"I like you much better when you are laughing," said {C}.
>> {A} thanks {C} and waves ## A wave happy
>> {A} waves at {C} and says thank you ## A wave

== share.close
{B} gave {the prop} to {A}, and they walked home side by side, happier than ever before. ## A walk happy, B walk, prop A
{B} put {the prop} down {ground}, and {A} and {B} sat on either side of it and looked at each other, happy and tired. ## A sit happy, B sit sleepy, prop ground
{B} wanted to give {the prop} to {A}, but {A} gave it back, and both of them laughed until they had to sit down. ## A sit happy, B sit happy, prop B
-- +plain
And whose was it now? Theirs, of course.
A thing is only half the fun without a friend.
Only one word was left over from the quarrel, and that word was "sorry".

== drum.open
{Once}, {A} sat {in place} with {A.own} {prop}. {A.He} played so well that even the wind listened, but only when nobody else was there. ## A sit happy, prop A
{Once}, {A} played {a prop} {in place}, all alone. {A.He} was much too shy to play for anybody. ## A sad, prop A
{Once}, {A} tiptoed about {in place} with {A.own} {prop} and made sure that nobody could hear {A.him}. ## A walk, prop A
--
Boom, tata, boom! {A} danced a little and felt free. ## A jump happy
"I play only for you, dear wind," whispered {A}. @ outdoors
>> {A} plays {the prop} alone {in place} ## A happy, prop A
>> {A} is {in place} with {a prop} but {A.he} is very shy ## A sad, prop A

== drum.heard
"That was wonderful!" called {B}, who came dancing along. {A} was so startled that {A.he} hid {the prop} behind {A.own} back. ## B jump happy, A surprised, prop A
{B} came by, clapped, and waved. {A} stopped at once, startled, and held {the prop} tight. ## B wave, A surprised, prop A
Somebody clapped. It was {B}, who had walked up very quietly. {A} hugged {the prop} and did not know where to look, so surprised was {A.he}. ## B walk, A surprised, prop A
-- +must
"You must play at the feast!" said {B}. "Everybody will dance!"
"There is a feast today, and nobody plays music," said {B}. "Will you?"
>> {B} hears {A} playing {the prop} and claps ## B happy, A surprised, prop A
>> {B} comes and {A} is startled and hides {the prop} ## B walk, A surprised, prop A

== drum.no
"I can't," said {A} sadly. "When somebody looks at me, my arms turn to noodles." {B} nodded slowly. ## A sad
{A} shook {A.own} head, and {A.own} {A.ears} drooped. "Everybody would look at me, {B}," {A.he} whispered. ## A sad
"Not me," murmured {A}. {A.He} was afraid that people would laugh, and {A.he} told {B} so. ## A sad
-- +plain
"Let us practise," said {B}. "First you play for me alone."
"Nobody is born brave," said {B}. "One can learn it, like a song."
"I was shy once, too," said {B}.
>> {A} says no because {A.he} is too shy. {B} listens. ## A sad
>> {A} is afraid to play for {B} ## A sad

== drum.try
{A} played for {B}. But after three beats {A.he} saw two eyes looking, and the sticks fell from {A.own} {A.paw}. {The prop} was silent, and {A} was sad. ## A sad, prop A
{B} sat down and listened. {A} looked at {B.him}, then at {the prop}, and could not move at all, sad and stiff. ## B sit, A sad, prop A
Boom, went {the prop}, and then nothing. {A} had seen how {B} was looking, and {A.own} courage was gone. {A.He} sighed. ## A sad, prop A
-- +plain
"It is the eyes," {A} sighed. "They look so loud." ## A sad
"That was a very fine first boom," said {B}. @ -B:sit
"We will try again," said {B}, "as often as you like."
>> {A} tries to play {the prop} for {B} but stops ## A sad, prop A
>> {A} plays for {B} and then gets %rsad, with {the prop} in {A.own} arms ## A sad, prop A

== drum.eyes
Then {A} closed both eyes and played {the prop}. It went well, very well even, until {B} laughed for joy, and {A} jumped up, startled. ## A jump surprised, prop A
"Close your eyes," said {B}. {A} sat down and played {the prop}, and it sounded like rain and sun. But then a twig cracked, and {A} was startled. ## A sit surprised, prop A
With eyes shut {A} played {the prop} for {B}, better and better. Then {A.he} peeped, saw a face, and stopped in surprise. ## A surprised, prop A
-- +plain
"When I don't see anybody, it works," {A} murmured.
"But you played!" said {B}. "Ten whole beats!"
>> {A} closes the eyes and plays {the prop} ## A happy, prop A
>> {A} plays {the prop} with closed eyes for {B} but then gets startled ## A surprised, prop A

== drum.sad
{A} put {the prop} on {A.own} knees and sat there sadly. "The feast begins soon," {A.he} said to {B}, "and I am still a coward." ## A sit sad, prop A
{A} sat down and leaned on {the prop}. "I will never dare," {A.he} sobbed, and {B} gave {A.him} a handkerchief. ## A sit sad, prop A
Very unhappy, {A} sat with {the prop} in {A.own} arms, while {B} walked up and down and thought. ## A sit sad, B walk, prop A
-- +plain
Far away the guests were already laughing.
"Shall we stay at home?" asked {B}, but {A} did not want that either.
>> {A} sits down with {the prop} and is %rsad ## A sit sad, prop A
>> {A} cries and holds {the prop}. {B} walks around. ## A sit sad, B walk, prop A

== drum.friend
{C} hurried past with a basket. "There will be no music this year," {C.he} sadly told {A}, who held {the prop} and blushed. ## C walk sad, A happy, prop A
"No music, no dancing," grumbled {C}, who walked by and did not see {the prop} that {A} was holding. ## C walk cross, prop A
{C} came by with a sad face. "A feast without music is soup without salt," {C.he} told {A}, who held {the prop} tight. ## C walk sad, A happy, prop A
--
{A} felt a small tug at {A.own} heart.
That made {A} think.
>> {C} comes by and is %rsad because there is no music ## C walk sad
>> {C} tells {A} that nobody plays music at the feast. {A} holds {the prop}. ## C sad, prop A

== drum.idea
"With closed eyes it worked," thought {A} over {the prop}, "so nobody has to see me. {B}, we need a curtain!" ## prop A
{A} hugged {the prop}. "It is not the ears that scare me, {B}, only the eyes," {A.he} whispered. "I will play behind a curtain!" ## prop A
{A}'s face lit up, and {A.he} tapped on {the prop}. "What if I hear them, {B}, but they don't see me?" ## prop A
-- +plain
"I will hang up my biggest blanket," said {B}.
"The clever ones hide first and shine later," said {B}.
>> {A} has an idea: play {the prop} behind a curtain ## A happy, prop A
>> {A} whispers an idea to {B} and taps on {the prop} ## A happy, prop A

== drum.play
Behind the curtain {A} sat with {the prop} and played, boom, tata, boom. In front {B} and {C} began to dance. ## A sit happy, B jump happy, C jump happy, prop A
Nobody saw {A}, but everybody heard {the prop}. {B} danced, {C} danced, and even the old ones danced. ## A happy, B jump happy, C jump happy, prop A
{A} played {the prop} in the hiding place, first softly, then wildly. "Who is that?" asked {C}, surprised, and {B} danced. ## A happy, C surprised, B jump happy, prop A
--
Feet stamped, hands clapped, and the curtain shook.
"More! More!" they all called.
>> {A} plays {the prop} behind the curtain and everybody dances, {B} and {C} too ## A sit, B jump, C jump, prop A
>> {A} plays {the prop} and {B} and {C} dance ## A happy, B jump, C jump, prop A

== drum.fall
In the middle of the wildest part the curtain fell down. {A} stared over {the prop}, startled, and {B} held {B.own} breath. ## A surprised, B surprised, prop A
Then, oh dear, the curtain slipped and fell. There sat {A} with {the prop}, astonished, and {B} was startled, too. ## A sit surprised, B surprised, prop A
{B} danced so wildly that the curtain came down. {A} stood there with {the prop} and big, surprised eyes. ## B jump happy, A surprised, prop A
-- +plain
It was very quiet. Then somebody called, "Bravo!"
For one long moment nobody moved.
>> the curtain falls down and {A} is %rsurprised, with {the prop} in {A.own} arms. {B} too. ## A surprised, B surprised, prop A

== drum.brave
{A} looked at all the happy faces. They did not look loud at all. {A.He} played {the prop} again, with open eyes, and {B} jumped for joy. ## A happy, B jump happy, prop A
{A} swallowed once, looked at {B}, and went on playing {the prop}. And nothing bad happened, nothing at all! ## A happy, prop A
"Go on!" called {B} and waved. So {A} played {the prop} for everybody to see, and danced while playing. ## B wave happy, A jump happy, prop A
-- +plain
"They only look because they like it," whispered {A}.
And {A}'s arms did not tremble any more.
>> {A} keeps playing {the prop} and is not shy any more. {B} is %rhappy. ## A happy, B happy, prop A
>> {A} plays {the prop} for everybody and {B} jumps ## A happy, B jump, prop A

== drum.close
"Thank you, {B}, you heard me before I dared to be heard," said {A} and sat down with {the prop}. ## A sit happy, prop A
{A} let {B} beat {the prop} once, too. It sounded dreadful, and they laughed and danced. ## A jump happy, B jump happy, prop B
{A} hugged {B} with one arm and {the prop} with the other. "Thank you, {B}! Next year I want no curtain," {A.he} said. ## A happy, prop A
-- +plain
And the wind went on humming the tune all night.
From then on there was always music at the feast.
And who danced longest? The shyest guests, of course.

== grumpy.open
{Once}, {A} came {to place} and saw {C}, who sat there with a very cross face. ## A walk, C sit cross
{Once}, {C} was {in place} and grumbled at everything. {A} waved, but {C.he} did not wave back. ## C cross, A wave happy
{Once}, {A} met {C} {in place}. "Good day!" said {A}. "What is good about it?" grumbled {C}. ## C cross
-- +plain
{C} frowned at the sun, the stones and {C.own} feet. ## C cross
{A} had never seen {C} so angry before. ## C cross
>> {A} meets {C} {in place} and {C} is %rcross ## C cross
>> {C} is {in place} and very %rcross. {A} comes along. ## C cross, A walk

== grumpy.plan
{A} hurried to {B}. "We must make a friend laugh," {A.he} said, "but it will be hard work." ## A walk
{B} came along, and {A} told {B.him} about the bad mood. "Somebody needs cheering up," {A.he} said and pointed over there. ## B walk, A point
{A} waved to {B}, who came running. "Will you help me to make somebody laugh?" asked {A}. ## A wave, B walk
-- +plain
"Nothing easier than that," said {B}. "I know seven jokes!"
"I like a good riddle," said {B}, "and a bad mood is one."
>> {A} asks {B} for help
>> {A} tells {B} that somebody is in a bad mood

== grumpy.joke
{A} told {C} a joke about a fish with a hat. {C} only frowned. "Fish don't wear hats," {C.he} grumbled. ## C cross
{A} knew a funny joke about a fish with a hat, but {C} had heard it already. "It was not funny the first time," {C.he} said crossly. ## C cross
{A} made a silly face, like a fish with a hat. {C} grumbled and looked the other way, and {A} was a little sad. ## C cross, A sad
--
{A} had to laugh about it all alone. @ -A:sad
"Perhaps once more?" asked {A}. "No!" said {C}.
>> {A} tells {C} a joke about a fish with a hat but {C} is still %rcross ## C cross
>> {A} makes a funny face like a fish with a hat for {C} ## C cross

== grumpy.dance
{B} danced around {C} on one leg, sang, and fell over. {C} only scowled. "You are standing on my foot," {C.he} grumbled. ## B jump, C cross
Then {B} jumped about like a wild goat to make {C} laugh. But {C} stayed as cross as before and did not even look. ## B jump happy, C cross
{B} sang a merry song for {C} and hopped to the beat. "Too loud," grumbled {C}. ## B jump, C cross
--
"I thought it was beautiful," said {A}.
>> {B} dances for {C} but {C} stays %rcross ## B jump, C cross
>> {B} jumps around to make {C} laugh ## B jump, C cross

== grumpy.gift
{A} brought {a prop}. "For you!" {A.he} said to {C}. But {C} only frowned and did not want it. ## C cross, prop A
"Look, this is for you, {C}," said {A}, who came back with {a prop}. "I don't need anything," grumbled {C}. ## A walk, C cross, prop A
{A} held out {a prop} to {C}, who was surprised for a moment. Then {C.he} shook {C.own} head. ## C surprised, prop A
--
So {A} kept it and sighed. ## A sad
"Not everything can be mended with pretty things," said {A} to {A.self}.
>> {A} offers {C} {a prop} but {C} does not want it ## C cross, prop A
>> {A} brings {the prop} for {C} ## C cross, prop A

== grumpy.tired
Tired, {A} sat down with {the prop}, and {B} yawned and sat down, too. Being funny was hard work. ## A sit sleepy, B sit sleepy, prop A
{A} hugged {the prop} and sighed. "We talked and danced and gave," {A.he} said to {B}, "and nothing helped." ## A sad, prop A
--
"Nobody is cross without a reason," said {B} slowly.
"When I grumble, I want somebody to ask me why," said {B}.
>> {A} and {B} are tired and sit down. {A} still has {the prop}. ## A sit sleepy, B sit sleepy, prop A
>> {A} sits with {the prop} and is %rsad, {B} yawns ## A sit sad, B sleepy, prop A

== grumpy.idea
"We did so many things," thought {A}, hugging {the prop}. "But nobody asked a single question, {B}!" ## prop A
{A} looked at {the prop} and then at {B}. "We never asked what is wrong," {A.he} whispered. ## prop A
Suddenly {A}'s face lit up, and {A.he} squeezed {the prop}. "We talked all the time, {B}. We should listen!" ## prop A
-- +plain
"You go," said {B}, "you have the bigger ears." @ A=elephant|rabbit
"Then ask," said {B}, "and very quietly, please."
"That costs nothing," said {B}, quite surprised, "and we thought of it last." ## B surprised
>> {A} tells {B} that they forgot to ask. {A} has {the prop}. ## prop A
>> {A} has an idea and holds {the prop}, {B} nods ## A happy, prop A

== grumpy.ask
{A} sat down beside {C}, with {the prop} on {A.own} knees, and asked, "What is wrong?" {C} sniffed. "Nobody came to my tea party," {C.he} said sadly. ## A sit, C sad, prop A
"Why are you so unhappy?" asked {A} quietly, and put {the prop} under {A.own} arm. A tear rolled down the face of {C}. "I had a bad dream about being alone," {C.he} said. ## C sad, prop A
{A} came with {the prop}, sat down close to {C}, and asked only one thing. "I hurt my foot, and nobody noticed," sniffed {C}. ## A sit, C sad, prop A
-- +plain
And {A} listened and said nothing at all.
So that was it! {A} put an arm around {C}.
>> {A} sits down next to {C} and asks what is wrong. {C} is %rsad. {A} has {the prop}. ## A sit, C sad, prop A
>> {A} asks {C} why and {C} cries. {A} still holds {the prop}. ## C sad, prop A

== grumpy.smile
{A} stayed a while and held out {the prop} once more. This time {C} took it, and a big smile spread over {C.own} face. ## C happy, prop C
"Thank you for asking me," said {C}. {A} gave {C.him} {the prop}, and {C} smiled for the first time. ## C happy, prop C
"I am glad you told me," said {A}, and handed {the prop} to {C}. Something like a laugh came out of {C.own} mouth. ## C happy, prop C
--
It was a small smile at first, and then a big one.
The grump had flown away like a fly.
>> {C} smiles and takes {the prop} from {A} ## C happy, prop C
>> {A} gives {the prop} to {C} and now {C} is %rhappy ## C happy, prop C

== grumpy.all
{B} came back, and {C} waved with {the prop} in {C.own} {C.paw}. "Do the fish with the hat again!" {C.he} called to {A}. ## B walk, C wave happy, prop C
"And now dance, {B}!" called {C}, who held {the prop}. {B} danced on one leg, {A} sang, and {C} laughed out loud. ## B jump, C happy, A happy, prop C
{A}, {B} and {C} danced in a circle, and {C} swung {the prop} to the beat. ## A jump, B jump, C jump happy, prop C
--
Now even the fish with the hat was funny.
"Being cross is so tiring," they agreed.
>> now {A}, {B} and {C} dance and {C} has {the prop} ## A jump, B jump, C jump happy, prop C

== grumpy.close
{C} hugged {A} and {B}, and {the prop} too. "Thank you, {A}, you are good at listening," {C.he} said. ## C happy, prop C
{A}, {B} and {C} sat together until late, and {C} held {the prop} and told one joke after the other. ## A sit, B sit, C sit happy, prop C
"Thank you, {A}, and thank you, {B}," said {C} with {the prop} in {C.own} {C.paw}, and jumped for joy. ## C jump happy, prop C
-- +plain
If somebody grumbles, just ask why.
And the next one who was cross got asked at once.
Sometimes two ears help more than a hundred jokes.

== neighbour.open
{Once}, {A} saw smoke over the little house that had long been empty. "We have a new neighbour!" {A.he} called {in place} and jumped for joy. ## A jump happy
{Once}, {A} stood {in place} and stared. There was light in the empty house! "Somebody lives there now," {A.he} said, surprised. ## A surprised
{Once}, {A} walked about {in place} and saw a new name on an old door. {A.He} was very surprised. ## A walk surprised
--
"I will say hello at once," said {A}.
"Perhaps we will be friends," said {A}, full of hope.
>> {A} is {in place} and hears about a new neighbour ## A surprised
>> a new neighbour moves in near {A} {in place} ## A happy

== neighbour.knock
{A} knocked on the door, once, twice, three times. The curtain moved a little, but nobody came, and {A} was sad. ## A sad
Knock, knock! {A} waved at the window with {A.own} best smile, but the curtain was quickly closed. ## A wave happy
{A} walked to the door, knocked, and waited. Inside a chair creaked, and then it was very quiet. ## A walk
--
"Did I knock too loudly?" wondered {A}.
"Hello? I don't bite!" called {A} through the keyhole. @ A=fox|bear|rabbit|cat|frog
"I am nice, most of the time," {A} told the door.
>> {A} knocks but nobody opens. {A} is %rsad. ## A sad
>> {A} waves at the window of the new house ## A wave

== neighbour.help
{B} came by just then, and {A} told {B.him} about it. "Somebody lives there and does not come out," {A.he} said sadly and pointed. ## B walk, A point sad
{B} came walking along. "They must be cross with me," {A} told {B.him}, and sighed. ## B walk, A sad
"Why the long face?" asked {B} and came closer. {A} sighed and pointed at the closed door. ## B walk, A point sad
-- +must
"Then we will sing," said {B}. "Nobody can resist a song!"
"We need a proper welcome," said {B}, "with music!"
>> {B} comes along and {A} points at the closed door ## B walk, A point
>> {A} tells {B} about the neighbour who does not open ## A sad

== neighbour.song
{A} and {B} sang their loudest song under the window and danced. Bang! The shutters closed. Both were startled. ## A jump surprised, B jump surprised
{B} sang, and {A} jumped to the beat. All the shutters of the house fell shut, and {A} was startled. ## B happy, A jump surprised
{A} and {B} sang all nine verses of a song, and {A} danced to it. But inside somebody put out the light. ## A jump, B happy
--
"Perhaps that was too loud for somebody shy," said {B}.
"Loud is wrong," said {A}. "So we must be quiet."
>> {A} and {B} sing and dance in front of the house ## A jump, B jump
>> {A} and {B} sing very loud but it only scares the neighbour ## A surprised, B surprised

== neighbour.window
{A} looked closely and pointed. "Did you see that, {B}? Behind the curtain there were two eyes, and they looked afraid." ## A point sad
{B} tiptoed closer and came back. "Somebody in there is not cross," {B.he} told {A}, "somebody is afraid." ## B walk
-- +plain
"Afraid of us?" asked {A}, astonished. ## A surprised @ B:walk|reader
"Then we must wait," said {A}. @ B:walk|reader
"Afraid of us?" asked {B}, astonished. ## B surprised @ A:point
"Then we must wait," said {B}. @ A:point
>> {A} and {B} see that the neighbour is afraid ## A sad, B sad

== neighbour.rest
{A} sat down on the steps, tired of waiting, and {B} sat down with {A.him}. Both of them yawned. ## A sit sleepy, B sit sleepy
{A} and {B} sat down, a bit sad. "When I was new here, I did not dare to come out either," said {B}. ## A sit sad, B sit sad
"What would you like if you were new?" asked {B}. {A} sat down, very sad, and thought about it. ## A sit sad
-- +plain
"I would want to look first," {A} murmured, "before anybody looks at me."
"Somebody once left me an egg at the door," said {B}, "and then I came out."
>> {A} and {B} sit down and wait ## A sit sleepy, B sit
>> {A} sits down with {B} and is %rsad ## A sit sad

== neighbour.idea
"Quiet, and from far away," thought {A}. "{B}, I will leave something nice at the door and hide!"
{A}'s face lit up. "A song was too loud, {B}. But a little surprise makes no noise at all!"
"No knocking and no singing," whispered {A}. "{B}, we put something nice at the door and go away!"
-- +plain
"A quiet hello," said {B}, amazed. "I like that." ## B surprised
"And then we look around the corner," said {B}.
>> {A} wants to leave something nice and tells {B} ## A happy
>> {A} has a quiet idea and whispers it to {B} ## A happy

== neighbour.leave
{A} tiptoed to the door and put {a prop} {ground}. Then {A.he} hurried to hide behind a bush with {B}. ## A walk, prop ground @ outdoors
Very quietly {A} laid {a prop} {ground} in front of the door. {B} waved for {A.him} to come and hide. ## B wave, prop ground
{A} came with {a prop} and set it down {ground}, where the neighbour could see it. {B} held {B.own} breath. ## A walk, prop ground
-- +plain
They did not make a sound.
"Now we wait, and nobody sneezes!" whispered {B}.
>> {A} puts {the prop} {ground} in front of the door, {B} hides ## A walk, prop ground
>> {A} leaves {a prop} {ground} ## A happy, prop ground

== neighbour.out
The door opened a crack, then a bit more, and out came {C}, who stared at {the prop} {ground}. {A} hardly dared to breathe. ## C walk surprised, A happy, prop ground
First a {C.nose} came out, then the whole of {C}. {C.He} looked at {the prop} {ground}, surprised, and {A} smiled in the hiding place. ## C surprised, A happy, prop ground
Slowly {C} came out and pointed at {the prop} {ground}. "For me?" {C.he} asked, astonished. {A} nodded from far away. ## C point surprised, A happy, prop ground
-- +plain
Nobody sang, nobody knocked, and that was just right.
"Pst," whispered {A}, "don't move."
>> {C} comes out and sees {the prop} {ground}. {A} watches. ## C walk surprised, prop ground
>> the door opens and {C} finds {the prop} {ground}, {A} is %rhappy ## C surprised, A happy, prop ground

== neighbour.hello
{C} picked up {the prop} and waved shyly. Very slowly {A} came out and waved, too. ## C wave sad, A wave happy, prop C
{C} pressed {the prop} to {C.own} heart. "Thank you," {C.he} said, "I was so afraid of all the new faces." {A} waved gently. ## C sad, A wave happy, prop C
"I am new here," said {C}, {the prop} in {C.own} {C.paw}, and blushed. "I know," said {A} and smiled. "Welcome!" ## C happy, A happy, prop C
-- +plain
"And the loud singing, was that you?" asked {C}. {A} blushed.
"I am {A}," said {A}. "And the one in the hiding place is nice, too."
>> {C} takes {the prop} and waves at {A} ## C wave, prop C
>> {C} holds {the prop} and says thank you to {A} ## C happy, prop C

== neighbour.play
{A} and {B} showed {C} their favourite corners, and {C} carried {the prop} everywhere. ## A point, B point, C happy, prop C
Soon {A}, {B} and {C} danced together, and {C} would not put down {the prop}. ## A jump, B jump, C jump, prop C
{B} told a joke about a fish, {A} laughed, and {C} laughed so hard that {C.he} almost dropped {the prop}. ## B happy, A happy, C happy, prop C
--
It was as if they had known each other for ever.
"I like it here," said {C}.
>> {A}, {B} and {C} play together and {C} has {the prop} ## A jump, B jump, C happy, prop C

== neighbour.close
"Come to my house for tea," said {C}, and took {the prop} along. {A} and {B} jumped for joy. ## C happy, A jump, B jump, prop C
"Thank you, {A}, for the quiet hello," said {C} and hugged {the prop}. {A} waved for a long time. ## C happy, A wave, prop C
{A} sat on the steps with {C} and {B}, and {C} put {the prop} where everybody could see it, on {C.own} knees. ## A sit, C sit happy, B sit, prop C
-- +plain
And the door was never closed again.
A quiet hello can do more than a loud song.
And if somebody new comes, they will know what to do.
"""


def two_want_the_same(t: Teller) -> None:
    """Taking turns means waiting; a game for two does not."""
    t.fixed = {"place", "give"}
    t.tell("share.open", hold="ground")
    t.tell("share.both", hold="A", free=False)
    t.tell("share.pull", hold="B", free=False)
    t.tell("share.third", free=False)
    t.tell("share.turns", hold="A", free=False)
    t.tell("share.drop", hold="ground", free=False)
    t.pass_time(0.4)
    t.change_weather(0.2)
    t.tell("share.lonely")
    t.tell("share.sorry")
    t.tell("share.idea")
    t.tell("share.game_move", hold="B", free=False)
    if t.chance(0.6):
        t.put_away()
        t.tell("share.thanks", free=False)
    t.pass_time(0.3)
    t.tell("share.close", hold=t.pick("A", "B", "ground"), end=True, free=False)


def shy_drummer(t: Teller) -> None:
    """With closed eyes it works; so a curtain will do, until it falls."""
    t.fixed = set()
    t.tell("drum.open", hold="A")
    t.tell("drum.heard")
    t.tell("drum.no")
    t.tell("drum.try")
    t.tell("drum.eyes")
    t.pass_time(0.5)
    t.tell("drum.sad")
    if t.chance(0.5):
        t.tell("drum.friend")
    t.tell("drum.idea", free=False)
    t.pass_time(0.3)
    t.tell("drum.play", free=False)
    t.tell("drum.fall", free=False)
    t.tell("drum.brave", free=False)
    t.tell("drum.close", hold=t.pick("A", "B"), end=True, free=False)


def grumpy_friend(t: Teller) -> None:
    """Jokes, dances and presents do not help; a question does."""
    t.fixed = set()
    t.tell("grumpy.open")
    t.tell("grumpy.plan")
    first = t.pick("joke", "dance")
    t.tell(f"grumpy.{first}")
    t.tell("grumpy.dance" if first == "joke" else "grumpy.joke")
    t.change_weather(0.15)
    t.tell("grumpy.gift", hold="A")
    t.pass_time(0.4)
    t.tell("grumpy.tired")
    t.tell("grumpy.idea", free=False)
    t.tell("grumpy.ask", free=False)
    t.tell("grumpy.smile", hold="C", free=False)
    if t.chance(0.7):
        t.tell("grumpy.all", free=False)
    t.tell("grumpy.close", end=True, free=False)


def new_neighbour(t: Teller) -> None:
    """Loud is wrong for somebody shy; a quiet hello opens the door."""
    t.fixed = {"give"}
    t.tell("neighbour.open")
    t.tell("neighbour.knock")
    t.tell("neighbour.help")
    t.tell("neighbour.song")
    if t.chance(0.6):
        t.tell("neighbour.window")
    t.pass_time(0.4)
    t.change_weather(0.2)
    t.tell("neighbour.rest")
    t.tell("neighbour.idea", free=False)
    t.tell("neighbour.leave", hold="ground", free=False)
    t.tell("neighbour.out", free=False)
    t.tell("neighbour.hello", hold="C", free=False)
    if t.chance(0.6):
        t.tell("neighbour.play", free=False)
    t.tell("neighbour.close", end=True, free=False)
