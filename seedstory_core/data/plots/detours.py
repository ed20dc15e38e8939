# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""What readers put into a story: a change of weather, a friend, a mood, a place, a wish.

The `>>` lines are the reader's words; the lines after `--` are how the storyteller completes them,
so that everything visible is said.
"""

TEXT = """
== detour.rain
--
{A} (held out|stretched out) {A.own} {A.paw} and felt the first drop, and the rain fell on everything. ## A point, weather rain @ outdoors
"Rain!" called {A}, surprised. "Oh well, I am not made of sugar." ## A surprised, weather rain @ outdoors
The rain came down hard, and {A} made a cross face, because {A.own} {A.nose} got wet. ## A cross, weather rain @ outdoors
Rain ran down the windows, and {A} listened to it and felt cosy. ## weather rain @ indoors
The rain drummed on the roof, and {A} pointed at the wet window. ## A point, weather rain @ indoors
>> now it rains ## weather rain
>> it starts to rain ## weather rain
>> make it rain! ## weather rain
>> It begins to pour. ## weather rain
>> suddenly it is raining ## weather rain
>> rain comes down from the sky ## weather rain
>> the weather gets bad, it is raining hard ## weather rain
>> {A} looks at the rain ## weather rain
>> let it rain ## weather rain
>> A big rain cloud comes and it rains on {A} ## weather rain

== detour.snow
--
Snow fell without a sound, and {A} jumped up to catch a flake with {A.own} {A.nose}. ## A jump, weather snow @ outdoors
"It is snowing!" called {A}, and {A.he} danced among the white flakes. ## A jump happy, weather snow @ outdoors
The snow fell and fell, and {A} stared at it, surprised. ## A surprised, weather snow @ outdoors
Snow fell outside the window, and {A} pointed at the big white flakes. ## A point, weather snow @ indoors
"Look, snow!" called {A}, who was surprised to see it through the window. ## A surprised, weather snow @ indoors
>> now it snows ## weather snow
>> it starts snowing ## weather snow
>> make it snow ## weather snow
>> Snow begins to fall. ## weather snow
>> suddenly there is snow everywhere ## weather snow
>> let it snow! ## weather snow
>> it gets very cold and it is snowing ## weather snow
>> snow falls on {A} ## weather snow
>> white snow comes down from the sky ## weather snow

== detour.clear
--
The clouds went away, the sky was clear, and {A} looked up with a smile. ## weather clear
"At last!" called {A}, and {A.he} jumped for joy, because the sky was clear again. ## A jump happy, weather clear
The sky was clear now, and {A} shook the wet from {A.own} {A.ears}. ## weather clear
>> it stops raining ## weather clear
>> the sky is clear again ## weather clear
>> The bad weather is over. ## weather clear
>> make the weather nice again ## weather clear
>> no more rain ## weather clear
>> the clouds go away ## weather clear
>> then the weather gets good ## weather clear

== detour.dusk
--
The sun went down, the sky turned orange, and {A} watched it, a little (sleepy|tired). ## A sleepy, time dusk
{A} pointed at the evening sky, where the sun was going down. ## A point, time dusk
"Evening already?" said {A}, surprised, as the sun went down. ## A surprised, time dusk
>> the sun goes down ## time dusk
>> it gets late and the sun is setting ## time dusk
>> Now it is evening. ## time dusk
>> make it evening ## time dusk
>> evening comes ## time dusk
>> sunset! ## time dusk
>> the sky turns orange because it is evening ## time dusk

== detour.night
--
It grew dark, and {A} yawned, because night had come. ## A sleepy, time night
Night came, and {A} pointed up at the moon. ## A point, time night
"How dark the night is!" said {A}, a little surprised. ## A surprised, time night
In the quiet night {A} sat down and listened to the owls. ## A sit, time night
>> make it night ## time night
>> it gets dark ## time night
>> it gets very dark ## time night
>> it gets dark and the stars come out ## time night @ clear
>> Night falls. ## time night
>> now it is night time ## time night
>> suddenly it is the middle of the night ## time night
>> the moon comes up and it is dark ## time night
>> night comes and {A} can see the moon ## time night

== detour.day
--
The morning sun came up, and {A} stretched and said, "Good morning, world!" ## A point, time day
A new day began, bright and warm, and {A} jumped up at once. ## A jump, time day
It was morning, and {A} was surprised how bright the day was. ## A surprised, time day
>> make it day ## time day
>> the sun comes up ## time day
>> the sun comes up again ## time day
>> the sun comes up and it is day ## time day
>> The morning sun comes up. ## time day
>> the sun rises ## time day
>> Then it is morning. ## time day
>> the night is over ## time day
>> now it is day again ## time day
>> a new morning begins ## time day

== detour.go1
--
So {A} walked {to place} and looked around with big eyes. ## A walk
{A} hurried {to place}, because a little walk never hurts. ## A walk
{A} strolled {to place} for a short visit and was glad of the change. ## A walk happy
>> go {to place}
>> {A} goes {to place} ## A walk
>> {A} walks {to place}. ## A walk
>> now {A} is {in place}
>> lets go {to place}
>> the next part is {in place}
>> {A} runs {to place} ## A walk
>> take {A} {to place}

== detour.go2
--
So {A} and {B} walked {to place} together, and they sang on the way. ## A walk, B walk
{A} and {B} hurried {to place} for a short visit. ## A walk, B walk
Off they went {to place}. {A} came first, and {B} followed, a little (tired|sleepy). ## A walk, B walk sleepy
>> they go {to place}
>> they walk {to place}
>> {A} and {B} go {to place} ## A walk, B walk
>> {A} takes {B} {to place} ## A walk, B walk
>> now they are {in place}
>> lets go {to place}
>> they all run {to place}
>> {A} and {B} run {to place} together ## A walk, B walk

== detour.join
--
{D} waved and said hello to {A}. "I only wanted to see how you are!" ## D wave
"What a surprise!" called {A}. {D} told a joke, laughed loudest of all, and soon had to go on. ## A surprised
{A} waved and was happy about the visit. {D} could not stay long, but it was nice all the same. ## A wave happy
{D} gave {A} a quick hug and wished {A.him} good luck.
>> {D} comes along ## D walk
>> {D} comes to visit ## D walk
>> then {D} comes to see {A} ## D walk
>> {A} meets {D}
>> Here comes {D}! ## D walk
>> {D} wants to say hello to {A}
>> {D} joins them ## D walk
>> {A} meets {D} and they say hello
>> suddenly {D} is there too and waves ## D wave

== detour.sad
--
{A.His} {A.ears} drooped, because {A.he} missed {A.own} bed and {A.own} mother's soup. ## A sad
{A} sighed, because sometimes a heart is heavy without a reason. ## A sad
A tear rolled down the {A.nose} of {A}, but it was only a small one. ## A sad
"I don't know why," said {A} sadly, "but I need a hug." ## A sad
>> {A} gets %rsad ## A sad
>> {A} is %rsad ## A sad
>> now {A} is %rsad. ## A sad
>> {A} feels very %rsad ## A sad
>> make {A} %rsad ## A sad
>> {A} starts to cry ## A sad
>> {A} is crying ## A sad
>> {A} has tears in the eyes ## A sad
>> {A} looks %rsad ## A sad
>> suddenly {A} feels %rsad ## A sad
>> poor {A} is so %rsad ## A sad
>> {A} sobs ## A sad
>> {A} sighs ## A sad
>> {A} has to cry ## A sad
>> {A} cries a little ## A sad
>> {A} cries and cries ## A sad
>> {A} begins to cry ## A sad
>> {A} starts crying ## A sad
>> {A} wants to cry ## A sad
>> {A} is worried ## A sad
>> a tear runs down the face of {A} ## A sad

== detour.happy
--
{A} laughed out loud, because the world was such a funny place. ## A happy
A big smile spread over {A.own} face, and {A} hummed a merry tune. ## A happy
"Suddenly I feel wonderful!" said {A}, for no reason at all. ## A happy
>> {A} gets %rhappy ## A happy
>> {A} is %rhappy again ## A happy
>> {A} feels %rhappy. ## A happy
>> make {A} %rhappy ## A happy
>> {A} smiles ## A happy
>> {A} laughs and laughs ## A happy
>> {A} has a big smile ## A happy
>> {A} looks %rhappy ## A happy
>> {A} is so %rhappy now ## A happy
>> suddenly {A} is very %rhappy ## A happy
>> {A} starts to laugh ## A happy
>> {A} has to smile ## A happy
>> {A} starts to smile ## A happy
>> {A} has a happy smile ## A happy
>> a big smile comes to the face of {A} ## A happy
>> {A} is full of joy ## A happy

== detour.cross
--
{A} frowned, because a fly had been sitting on {A.own} {A.nose} all day. ## A cross
"Why does nothing go the way I want?" grumbled {A}. ## A cross
{A} made a cross face and needed a moment to calm down. ## A cross
>> {A} gets %rcross ## A cross
>> {A} is %rcross ## A cross
>> {A} is very %rcross now ## A cross
>> make {A} %rcross ## A cross
>> {A} looks grumpy. ## A cross
>> {A} frowns ## A cross
>> {A} gets really really %rcross! ## A cross
>> {A} looks %rcross ## A cross
>> suddenly {A} feels %rcross ## A cross
>> {A} grumbles ## A cross
>> {A} has to frown ## A cross
>> {A} is annoyed ## A cross
>> {A} makes an angry face ## A cross

== detour.sleepy
--
{A} yawned so widely that one could count all {A.own} dreams. ## A sleepy
"I could sleep standing up," said {A}, and {A.own} eyes were very small. ## A sleepy
{A} rubbed {A.own} tired eyes and dreamed of a soft pillow. ## A sleepy
>> {A} gets %rsleepy ## A sleepy
>> {A} is %rsleepy ## A sleepy
>> {A} yawns ## A sleepy
>> now {A} is very %rsleepy ## A sleepy
>> {A} wants to sleep ## A sleepy
>> make {A} %rsleepy ## A sleepy
>> {A} can hardly keep the eyes open ## A sleepy
>> {A} looks %rsleepy ## A sleepy
>> suddenly {A} feels %rsleepy ## A sleepy
>> {A} has to yawn ## A sleepy
>> {A} is yawning ## A sleepy
>> {A} yawns loudly ## A sleepy
>> now {A} yawns ## A sleepy
>> {A} starts to yawn ## A sleepy
>> {A} is so %rsleepy ## A sleepy
>> {A} almost falls asleep ## A sleepy

== detour.surprised
--
{A} stared, because a very small snail had just said good morning. ## A surprised
"Did you hear that?" asked {A}, surprised. It was only the wind. ## A surprised
{A} was so astonished that {A.he} could not say a word. ## A surprised
>> {A} is %rsurprised ## A surprised
>> {A} gets a surprise ## A surprised
>> {A} is very %rsurprised! ## A surprised
>> make {A} %rsurprised ## A surprised
>> {A} looks really %rsurprised ## A surprised
>> {A} opens the mouth and is %rsurprised ## A surprised
>> {A} looks %rsurprised ## A surprised
>> suddenly {A} is %rsurprised ## A surprised
>> now {A} is very %rsurprised ## A surprised
>> {A} gets really %rsurprised ## A surprised
>> {A} makes a %rsurprised face ## A surprised
>> {A} sees something and is %rsurprised ## A surprised
>> {A} is startled ## A surprised

== detour.wave
--
{A} waved so hard that {A.own} arm grew tired, and {B} laughed and waved too. ## A wave, B wave
"Hello there!" called {A}, waving, and {B} waved back with a grin. ## A wave, B wave happy
>> {A} waves at {B} ## A wave
>> {A} waves to {B}. ## A wave
>> {A} says hello to {B} ## A wave
>> {A} greets {B} ## A wave
>> let {A} wave at {B} ## A wave
>> {A} and {B} wave ## A wave, B wave
>> {A} waves hello to {B} ## A wave
>> {A} is waving at {B} ## A wave
>> now {A} waves to {B} ## A wave

== detour.wave1
--
{A} waved to a bird that flew by, and the bird almost waved back. ## A wave @ -night
"Hello, world!" called {A}, and {A.he} waved at everybody and nobody. ## A wave
>> {A} waves ## A wave
>> {A} waves at me ## A wave
>> {A} is waving ## A wave
>> let {A} wave ## A wave
>> {A} says hello and waves ## A wave

== detour.sit
--
{A} sat very still and rested {A.own} feet for a moment. ## A sit
So {A} sat there, a little tired, and counted up to ten. ## A sit sleepy
"Ah, that is good," said {A}, sitting down {ground}. ## A sit happy
>> {A} sits down ## A sit
>> {A} sits {ground} ## A sit
>> {A} has to sit down ## A sit
>> let {A} sit ## A sit
>> {A} takes a rest ## A sit
>> {A} is sitting {ground} ## A sit
>> now {A} sits ## A sit
>> {A} wants to sit for a moment. ## A sit

== detour.jump
--
{A} jumped up and down until {A.own} {A.ears} shook. ## A jump happy
"Higher and higher!" called {A}, jumping about and laughing. ## A jump happy
{A} leapt into the air like a rubber toy and laughed. ## A jump happy
>> {A} jumps for joy ## A jump happy
>> {A} jumps ## A jump
>> {A} jumps up and down ## A jump
>> let {A} jump! ## A jump
>> {A} hops around ## A jump
>> {A} dances ## A jump
>> {A} is jumping very high ## A jump

== detour.point
--
{A} pointed at a cloud that looked like a sheep. ## A point @ outdoors
"Look over there!" called {A} and pointed, but it was only a beetle on its way home. ## A point
{A} pointed at a tiny spider, which was surprised to be so famous. ## A point
>> {A} points ## A point
>> {A} points at something ## A point
>> {A} shows something ## A point
>> let {A} point ## A point
>> {A} stretches out an arm ## A point
>> {A} sees something and points at it. ## A point
>> {A} is pointing at something ## A point
>> now {A} points at something ## A point
>> {A} reaches out ## A point

== detour.give
--
{B} took {the prop} carefully and was very (happy|glad) that {A} had thought of {B.him}. ## B happy, prop B
"Hold it well!" said {A}, and {B} promised to take care of {the prop}. ## prop B
"For me?" asked {B}, surprised, and held {the prop} tight. "Only for a moment," said {A}. ## B surprised, prop B
>> {A} gives {the prop} to {B} ## prop B
>> {A} gives {B} {the prop} ## prop B
>> {A} hands {the prop} over to {B}. ## prop B
>> {A} lets {B} hold {the prop} ## prop B
>> {B} gets {the prop} from {A} ## prop B
>> now {B} holds {the prop} of {A} ## prop B
>> {A} hands {B} {the prop} ## prop B
>> {A} hands {the prop} to {B} ## prop B
>> {A} passes {the prop} over to {B} ## prop B
>> {A} wants {B} to hold {the prop} ## prop B
>> {B} takes {the prop} from {A} ## prop B

== detour.doing
--
{A} did so for a while and was quite happy with it. ## A happy
"That was a good idea," said {A} and laughed. ## A happy
But soon {A} had enough of it and yawned. ## A sleepy
{A} was surprised how well it went. ## A surprised
"Nobody can do that better than I can!" called {A} and waved [to everybody]. ## A wave happy
It did not go well at all, and {A} grumbled. ## A cross
Afterwards {A} sat down to rest, for it was hard work. ## A sit
{A} hopped on one leg, so much fun was it. ## A jump happy
>> {A} %rdoes
>> {A} wants to %rdo
>> {A} is %rdoing
>> let {A} %rdo
>> now {A} %rdoes
>> {A} %rdoes and laughs ## A happy
>> then {A} %rdid
>> {A} tries to %rdo

== detour.wish
--
{A} looked up, surprised, but it was only a cloud that had taken that shape. "How funny!" {A.he} said. ## A surprised @ day outdoors
But it was only a shadow, and {A} laughed, because for a moment {A.he} had believed it. ## A happy
"What a strange dream," said {A} and rubbed {A.own} sleepy eyes. It had all been a daydream. ## A sleepy
{A} was astonished, but it turned out to be a picture that somebody had lost. ## A surprised
"I must have dreamed that," said {A}, surprised, and looked around [once more]. There was nothing. ## A surprised
{A} pointed and laughed. "It is only painted on an old box!" {A.he} said. ## A point happy
>> a %wish appears
>> Suddenly a %wish comes!
>> {A} sees a %wish
>> then a big %wish comes and {A} looks at it
>> they fly to the moon in a rocket
>> they fly away to another star
>> {A} turns into a %wish
>> {A} rides on a %wish
>> a wild %wish jumps out
>> {A} flies through the air like a bird
>> {A} finds a magic %wish
>> {A} eats pizza with a %wish
>> There is a %wish in the sky.
>> {A} drives a fast car
>> everybody turns invisible
>> {A} calls the police
>> a queen gives {A} a crown
"""
