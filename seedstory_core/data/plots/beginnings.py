# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""How readers begin a story, and how the storyteller takes it up.

A reader's first sentence (`begin`, perhaps with a second one, `begin.more`) stands before a tale's
own first words and says nothing that those deny; or it gets a panel of its own, which the
storyteller completes (`begin.alone`, `begin.company` ...), and the tale begins in the next one.
"""

TEXT = """
== begin
>> {A}
>> {A} {in place}
>> {A} is {in place}
>> {A} is {in place} today
>> {A} was {in place} one day
>> {A} lives {in place}
>> {A} goes {to place} ## A walk
>> {A} went {to place} today
>> {A} visits {the place}
>> {A} comes {to place}
>> {A} is all alone {in place}
>> {A} plays {in place}
>> {A} has a day off and goes {to place}
>> {A} loves to be {in place}
>> {A} wakes up {in place}
>> {A} looks for something to do {in place}
>> {A} has (an|a big|a little) adventure {in place}
>> {A} is bored
>> {A} is looking for a friend
>> {A} wants to have fun [{in place}]
>> {A} wants to go {to place}
>> One day {A} (went|goes) {to place}
>> One day {A} was {in place}
>> Once upon a time {A} was {in place}
>> Once upon a time, {A} lived {in place}
>> there is {A.a} {in place}
>> There was {A.a} {in place}
>> Once there was {A.a} {in place}
>> Once there was {A.a}
>> Once upon a time there was {A.a}
>> Once upon a time there was {A.a} {in place}
>> Once upon a time there lived {A.a} {in place}
>> Once upon a time there was {A.a} who lived {in place}
>> {A.a}
>> {A.a} {in place}
>> {A.a} is {in place}
>> {A.a} lives {in place}
>> {A.a} goes {to place}
>> {A.a} went {to place} to have fun
>> {A.a} wants to see {the place}
>> I know {A.a}
>> my friend is {A.a}
>> a story about {A}
>> a story about {A} {in place}
>> a story about {A.a}
>> a story about {A.a} {in place}
>> [please] tell me a story about {A}
>> [please] tell me a story about {A.a} {in place}
>> tell me about {A} {in place}
>> write a story about {A}
>> write about {A.a} {in place}
>> I want a story about {A}
>> I want to read about {A.a} {in place}
>> (this|here) is {A}
>> this is the story of {A}
>> The story of {A} {in place}
>> the (adventures|adventure) of {A}
>> a day with {A} {in place}
>> {A.s} big day {in place}
>> {A.s} (adventure|day)
>> meet {A}
>> the hero is {A}
>> hello {A}
>> what does {A} do {in place}?
>> where is {A}? {A} is {in place}
>> how about {A} {in place}
>> {A} %rdoes
>> {A} %rdoes {in place}
>> {A} wants to %rdo
>> {A} wants to %rdo {in place}
>> {A} is %rdoing
>> {A} is %rdoing {in place}
>> One day {A} %rdid
>> One day {A} %rdid {in place}
>> {A.a} %rdoes {in place}
>> Once there was {A.a} who wanted to %rdo
>> Once upon a time there was {A.a} who %rdid every day
>> there was {A.a} who liked to %rdo
>> {in place} {A} %rdoes
>> {A} likes to %rdo
>> {A} goes {to place} and %rdoes
>> a story about {A} who %rdoes
>> tell me how {A} %rdid
>> {A} decided to %rdo
>> today {A} will %rdo
>> what happens when {A} wants to %rdo?
>> {A} always wanted to %rdo
>> It is night and {A} is {in place} ## time night
>> at night {A} is {in place} ## time night
>> {A} is {in place} at night ## time night
>> in the night there is {A.a} {in place} ## time night
>> {A} looks at the stars {in place} ## time night
>> {A} is {in place} in the rain ## weather rain
>> it rains and {A} is {in place} ## weather rain
>> it is raining {in place}. {A} is there ## weather rain
>> It was a rainy day and {A} was {in place} ## time day, weather rain
>> it snows and {A} is {in place} ## weather snow
>> {A} is {in place} and it is snowing ## weather snow
>> {A} is {in place} in the snow ## weather snow
>> in the evening {A} goes {to place} ## time dusk
>> {A} watches the sunset {in place} ## time dusk
>> the sun goes down and {A} is {in place} ## time dusk
>> on a sunny day {A} goes {to place} ## time day, weather clear
>> {A} is {in place} on a (nice|beautiful|sunny) day ## time day, weather clear
>> the sun shines and {A} is {in place} ## time day, weather clear
>> early in the morning {A} goes {to place} ## time day
>> it is a beautiful day and {A} is {in place} ## time day, weather clear
>> a story
>> a story please
>> tell me a story
>> tell me a story {in place}
>> please tell me a bedtime story
>> a funny story
>> an exciting story {in place}
>> a story for my (son|daughter|kids|little brother)
>> once upon a time
>> Once upon a time {in place}
>> Once upon a time, far far away
>> {in place}
>> a day {in place}
>> an adventure {in place}
>> something (funny|exciting|nice) {in place}
>> something funny happens
>> a story that plays {in place}
>> let it begin {in place}
>> {the place}
>> hello
>> hi
>> start
>> begin
>> surprise me
>> you choose
>> I don't know, you begin
>> one day something strange happened
>> it is night ## time night
>> a story at night ## time night
>> It was a dark night {in place} ## time night
>> It was a dark and (rainy|stormy) night ## time night, weather rain
>> the stars are shining ## time night, weather clear
>> a rainy day {in place} ## time day, weather rain
>> it rains {in place} ## weather rain
>> it has been raining all day ## weather rain
>> a snowy day {in place} ## time day, weather snow
>> it is winter and everything is white ## weather snow
>> a story with (lots of|a lot of) snow ## weather snow
>> the sun is shining {in place} ## time day, weather clear
>> it is a beautiful day {in place} ## time day, weather clear
>> a summer day {in place} ## time day, weather clear
>> evening {in place} ## time dusk
>> the sun goes down {in place} ## time dusk
>> {A} has {a prop} ## prop A @ owner
>> {A} has {a prop} {in place} ## prop A @ owner
>> {A} has a new {prop} ## prop A @ owner
>> {A} is {in place} with {a prop} ## prop A @ owner
>> {A} is {in place} with {A.own} {prop} ## prop A @ owner
>> {A} {in place} with {a prop} ## prop A @ owner
>> {A} holds {a prop} ## prop A @ owner
>> {A} got {a prop} for {A.own} birthday ## prop A @ owner
>> {A} loves {A.own} {prop} ## prop A @ owner
>> {A} plays with {a prop} {in place} ## prop A @ owner
>> {A} goes {to place} with {a prop} ## prop A @ owner
>> {A} takes {a prop} {to place} ## prop A @ owner
>> One day {A} took {A.own} {prop} {to place} ## prop A @ owner
>> Once there was {A.a} with {a prop} ## prop A @ owner
>> Once upon a time there was {A.a} who had {a prop} ## prop A @ owner
>> {A.a} with {a prop} ## prop A @ owner
>> {A.a} {in place} with {a prop} ## prop A @ owner
>> {A.a} carries {a prop} {in place} ## prop A @ owner
>> it is night and {A} has {a prop} ## time night, prop A @ owner
>> it rains and {A} has {a prop} ## weather rain, prop A @ owner
>> a story about {a prop} ## prop somewhere
>> a story with {a prop} {in place} ## prop somewhere
>> something with {a prop} ## prop somewhere
>> {A} and the {prop} ## prop somewhere
>> {A} and the {prop} {in place} ## prop somewhere
>> a story about {A} and {a prop} ## prop somewhere
>> tell me a story about {A.a} and {a prop} ## prop somewhere
>> I want a story with {A} and {a prop} {in place} ## prop somewhere
>> the {prop} {in place} ## prop somewhere
>> there is {a prop} {in place} ## prop ground
>> there is {a prop} {ground} ## prop ground
>> there is {a prop} {ground} {in place} ## prop ground
>> {a prop} lies {ground} ## prop ground
>> {A} sees {a prop} {ground} ## prop ground @ tale=share
>> {A} finds {a prop} {ground} ## prop ground @ tale=share
>> {A} finds something {in place} @ tale=share|tale=key
>> {A} finds a {prop} ## prop A @ tale=key
>> {A} finds {a prop} {in place} ## prop A @ tale=key
>> one day {A} found a strange little {prop} ## prop A @ tale=key
>> {A} finds a treasure @ tale=key
>> {A} sees something shiny {in place} @ tale=key
>> {A} wants to run a race @ tale=race
>> {A} is very fast @ tale=race
>> {A} can run faster than anybody @ tale=race
>> a race {in place} @ tale=race
>> {A} wants to bake something @ tale=cake
>> {A} bakes something {in place} @ tale=cake
>> somebody has a birthday @ tale=cake
>> it is the birthday of a friend @ tale=cake
>> {A} is hungry and goes {to place} @ tale=cake
>> {A} wants to grow something @ tale=flower
>> {A} plants something {in place} @ tale=flower
>> {A} has a little seed @ tale=flower
>> {A} cannot sleep @ tale=sleep
>> {A} can't sleep {in place} ## time night @ tale=sleep
>> it is late and {A} should go to bed ## time night @ tale=sleep
>> a bedtime story about {A} @ tale=sleep
>> {A} is afraid of the dark @ tale=dark
>> {A} is scared at night ## time night @ tale=dark
>> a scary story {in place} @ tale=dark
>> {A} is waiting for a friend @ tale=snow
>> a friend of {A} is lost in the snow ## weather snow @ tale=snow
>> {A} wants to visit a friend @ tale=deliver
>> {A} has something for a friend @ tale=deliver
>> {A} brings {a prop} to a friend ## prop A @ tale=deliver
>> {A} wants to fly a {prop} ## prop A @ tale=kite
>> {A} wants to fly the {prop} {in place} ## prop A @ tale=kite
>> it is windy and {A} has a {prop} ## prop A @ tale=kite
>> {A} wants to have a picnic @ tale=picnic
>> a picnic {in place} @ tale=picnic
>> {A} has a picnic {in place} @ tale=picnic
>> somebody new moves in {in place} @ tale=neighbour
>> {A} wonders who lives in the empty house @ tale=neighbour
>> {A} meets somebody who is always angry @ tale=grumpy
>> somebody is in a bad mood {in place} @ tale=grumpy
>> {A} is very shy @ tale=drum
>> {A} loves music @ tale=drum
>> {A} makes music {in place} @ tale=drum
>> {A} wants to sail {a prop} ## prop A @ tale=boat
>> {A} dreams of the big sea @ tale=boat
>> {A} loves {A.own} {prop} more than anything ## prop A @ tale=lost|tale=high
>> {A} plays with {A.own} new {prop} ## prop A @ tale=high

== begin.more
>> {A.He} is {in place}
>> {A.He} lives {in place}
>> {A.He} wants to have fun
>> {A.He} wants to have an adventure
>> {A.He} is looking for a friend
>> {A.He} is bored
>> {A.He} has {a prop} ## prop A @ owner
>> {A.He} has {a prop} with {A.him} ## prop A @ owner
>> {A.He} loves {A.own} {prop} ## prop A @ owner
>> it is a (nice|beautiful|lovely) day ## time day, weather clear
>> The sun is shining. ## time day, weather clear
>> it is raining ## weather rain
>> it is snowing ## weather snow
>> it is night ## time night
>> It is late at night and dark. ## time night
>> it is evening ## time dusk
>> what will happen?
>> What happens next?
>> suddenly something happens
>> make it funny
>> make it exciting
>> with a happy end please
>> it should be funny and for small children
>> {A.He} wants to %rdo
>> {A.He} likes to %rdo
>> {A.He} %rdoes
>> then {A.he} %rdoes

== begin.alone
--
{Once}, {A} stood {in place} and looked around. "Something is going to happen," {A.he} said, "I feel it in my toes." @ -says-place
{Once}, {A} walked about {in place} and hummed a song, for the whole day was still to come. ## A walk happy @ -says-place -night
{Once}, {A} sat {in place} and asked {A.self} what the day would bring. ## A sit @ -says-place -night
{Once}, {A} waved to everybody {in place}, because {A.he} liked company. ## A wave @ -says-place
{Once}, {A} was {in place} and made a cross face, for nothing at all wanted to happen. ## A cross @ -says-place
{Once}, {A} hopped about {in place} and could hardly wait for something to begin. ## A jump happy @ -says-place
{Once}, {A} yawned {in place}, because nothing had happened yet. ## A sleepy @ -says-place
{Once}, {A} looked around and said, "Something is going to happen, I feel it in my toes." @ says-place
{Once}, {A} hummed a song, and {A.own} {A.ears} moved in time. ## A happy @ says-place
{Once}, {A} waved to everybody who came by. "Good to see you!" {A.he} called. ## A wave happy @ says-place
{Once}, {A} sat there and told {A.self} that every story begins with sitting still. ## A sit @ says-place
{Once}, {A} skipped about and was glad to be there. ## A jump happy @ says-place
{Once}, {A} pointed here and there, for everywhere was something to look at. ## A point happy @ says-place
{Once}, {A} sighed and wished for a friend to talk to. ## A sad @ says-place
{Once}, {A} sat there with a sad face, and not even a snail came by to say hello. ## A sit sad @ A:sad says-place
{Once}, {A} was so sad {in place} that even the wind held its breath. ## A sad @ A:sad -says-place
"It will pass, it always does," said {A} and wiped {A.own} {A.nose}. @ A:sad says-place
{Once}, {A} stamped {A.own} foot {in place} and did not even know why. ## A cross @ A:cross -says-place
{Once}, {A} grumbled until {A.own} {A.nose} itched. ## A cross @ A:cross says-place
"Today I do not like anything," grumbled {A}, "not even myself." ## A cross @ A:cross says-place
{Once}, {A} yawned so widely {in place} that a butterfly almost flew in. ## A sleepy @ A:sleepy -says-place
{Once}, {A} yawned and stretched and yawned again. ## A sleepy @ A:sleepy says-place
"Only five more minutes," said {A} and yawned. ## A sleepy @ A:sleepy says-place
{Once}, {A} stared {in place} as if {A.he} had seen the moon fall down. ## A surprised @ A:surprised -says-place
"Well, well, well," said {A}, astonished, and {A.own} eyes grew rounder with every word. ## A surprised @ A:surprised says-place
{A} had a feeling that this was only the beginning. @ says-place
"Here I am," said {A}, "and here I stay until something happens." @ says-place
"What a good place for a story," said {A}, and {A.own} eyes were shining. @ says-place
>> {A} is {in place}
>> {A} lives {in place}
>> Once there was {A.a} {in place}
>> Once upon a time there was {A.a}
>> a story about {A}
>> tell me a story about {A.a}
>> {A} %rdoes
>> {A} %rdoes {in place}
>> {A} is %rdoing {in place}
>> {A.a} %rdoes {in place}
>> One day {A} %rdid {in place}
>> {A} is %rsad because {A.he} cannot %rdo ## A sad
>> {A} is %rhappy because {A.he} can %rdo ## A happy
>> {A} sits {in place} and %rdoes ## A sit
>> {A} sits {in place} ## A sit
>> {A} is sitting {in place} ## A sit
>> {A.a} sits {in place} ## A sit
>> {A} walks {in place} ## A walk
>> {A} is walking {in place} ## A walk
>> {A} goes for a walk {in place} ## A walk
>> {A} runs {to place} ## A walk
>> {A.a} runs {in place} ## A walk
>> {A} jumps around {in place} ## A jump
>> {A} is jumping {in place} ## A jump
>> {A} dances {in place} ## A jump
>> {A} waves {in place} ## A wave
>> {A} says hello {in place} ## A wave
>> {A} stands {in place}
>> {A.a} stands {in place}
>> {A} points at the sky {in place} ## A point
>> {A} is %rsad ## A sad
>> {A} is %rsad {in place} ## A sad
>> {A} sits {in place} and is %rsad ## A sit sad
>> {A} is {in place} and cries ## A sad
>> Once there was {A.a} who was very %rsad ## A sad
>> {A.a} is %rsad because nobody plays with {A.him} ## A sad
>> {A} is %rcross ## A cross
>> {A} is %rcross {in place} ## A cross
>> {A} is {in place} and is %rcross ## A cross
>> {A} is %rsleepy {in place} ## A sleepy
>> {A} is so %rsleepy ## A sleepy
>> {A} is %rsurprised {in place} ## A surprised
>> {A} sees something {in place} and is %rsurprised ## A surprised
>> {A} is %rhappy ## A happy
>> {A} is %rhappy {in place} ## A happy
>> {A} laughs {in place} ## A happy
>> at night {A} sits {in place} ## A sit, time night
>> it is raining and {A} is %rsad ## A sad, weather rain
>> it is snowing and {A} is %rhappy ## A happy, weather snow

== begin.company
--
{Once}, {A} and {B} stood {in place} and laughed about nothing at all, as friends do. ## A happy, B happy @ -says-place
{Once}, {A} and {B} sat {in place} side by side and told each other jokes. ## A sit happy, B sit happy @ -says-place
{Once}, {A} and {B} walked about {in place} and looked for something to do. ## A walk, B walk @ -says-place
{Once}, {A} waved {in place}, and {B} waved back. ## A wave, B wave @ -says-place
{Once}, {A} asked, "What shall we do today?" {B} pointed this way and that. ## B point @ says-place
{Once}, {A} danced, and {B} sang to it. ## A jump happy, B happy @ says-place
{Once}, {A} told a joke, and {B} laughed until it hurt. ## B happy @ says-place
{Once}, {A} and {B} hopped about until they were out of breath. ## A jump, B jump @ says-place
{Once}, {A} and {B} sat there and did nothing, which friends do very well. ## A sit, B sit @ says-place
"It is good that you are here," said {A}, and {B} waved both arms. ## B wave @ says-place
"With you even waiting is fun," said {B} to {A}. @ says-place
"Let's do something that we have never done before," said {A}, and {B} nodded. @ says-place
Neither of them knew yet what the day would bring. @ says-place -night
{A} frowned at {B}, and {B} frowned back. ## A cross, B cross @ A:cross says-place
"Don't be sad," said {B} and put an arm around {A}. @ A:sad says-place
>> {A} and {B}
>> {A} and {B} {in place}
>> {A} and {B} are {in place}
>> {A} and {B} are friends
>> {A} and {B} are best friends and live {in place}
>> {A} and {B} play {in place}
>> {A} and {B} are playing together {in place}
>> {A} meets {B} {in place}
>> {A} meets {B}
>> One day {A} met {B} {in place}
>> {A} visits {B} {in place}
>> {A} goes {to place} with {B} ## A walk, B walk
>> {A} and {B} go {to place} ## A walk, B walk
>> {A} and {B} walk {in place} ## A walk, B walk
>> {A} and {B} sit {in place} ## A sit, B sit
>> {A} and {B} dance {in place} ## A jump, B jump
>> {A} waves at {B} {in place} ## A wave
>> {A} and {B} %rdo
>> {A} and {B} %rdo {in place}
>> {A} and {B} want to %rdo
>> {A} and {B} want to %rdo {in place}
>> {A} and {B} are %rdoing
>> {A} and {B} are %rdoing {in place}
>> {A.a} and {B.a} %rdo together
>> One day {A} and {B} %rdid {in place}
>> two friends, {A} and {B}, %rdo
>> {A} helps {B} {in place}
>> a story about {A} and {B}
>> tell me a story about {A} and {B} {in place}
>> a story about {A.a} and {B.a}
>> Once upon a time there were {A.a} and {B.a}
>> Once there were {A.a} and {B.a} {in place}
>> {A.a} meets {B.a} {in place}
>> {A.a} and {B.a} are {in place}
>> the adventures of {A} and {B}
>> {A} is %rsad and {B} comes to help ## A sad, B walk
>> {A} and {B} are %rhappy {in place} ## A happy, B happy
>> {A} and {B} are %rcross ## A cross, B cross
>> {A} and {B} have a quarrel and are %rcross {in place} ## A cross, B cross
>> {A} and {B} are %rsleepy {in place} ## A sleepy, B sleepy
>> it is night and {A} and {B} are {in place} ## time night
>> {A} and {B} are {in place} in the rain ## weather rain
>> {A} and {B} play in the snow {in place} ## weather snow

== begin.plan
--
{Once}, {A} and {B} stood {in place} and talked about it for a long time. @ -says-place
{Once}, {A} and {B} sat {in place} and put their heads together. ## A sit, B sit @ -says-place
{Once}, {A} hopped about {in place} and could hardly wait, and {B} hopped along. ## A jump happy, B jump happy @ -says-place
{Once}, {A} clapped and was full of plans, and {B} laughed. ## A happy, B happy @ says-place
{Once}, {A} pointed here and there and knew exactly how it is done. ## A point happy @ says-place
{Once}, {A} danced for joy, and {B} danced along. ## A jump happy, B jump happy @ says-place
"It was my idea," said {A}. "But I said yes," said {B}. @ says-place
"I will begin," said {A}, "and you, {B}, come as soon as I call." @ says-place
"If it goes wrong, we just do it again," said {A}, and {B} nodded. @ says-place
>> {A} and {B} want to bake @ plot=birthday_cake
>> {A} and {B} want to bake {in place} @ plot=birthday_cake
>> {A} and {B} bake together {in place} @ plot=birthday_cake
>> {A} bakes something with {B} {in place} @ plot=birthday_cake
>> {A} and {B} bake for a birthday @ plot=birthday_cake
>> {A.a} and {B.a} are baking {in place} @ plot=birthday_cake
>> {A} and {B} plant a seed {in place} @ plot=flower_grows
>> {A} and {B} want to grow flowers @ plot=flower_grows
>> {A} and {B} work {in place} and plant something @ plot=flower_grows
>> {A} and {B} have a picnic {in place} @ plot=picnic_in_the_rain
>> {A} and {B} want to have a picnic @ plot=picnic_in_the_rain
>> {A} invites {B} to a picnic {in place} @ plot=picnic_in_the_rain
>> {A} and {B} run a race {in place} @ plot=race_of_two
>> {A} and {B} want to know who is faster @ plot=race_of_two
>> {A.a} races against {B.a} @ plot=race_of_two
>> {A} and {B} have a new neighbour @ plot=new_neighbour
>> {A} and {B} want to say hello to the new neighbour @ plot=new_neighbour
>> {A} and {B} make music {in place} @ plot=shy_drummer
>> {A} and {B} want to play music at the feast @ plot=shy_drummer
>> {A} and {B} look for a friend in the snow ## weather snow @ plot=lost_in_the_snow
>> {A} and {B} wait for a friend {in place} @ plot=lost_in_the_snow
>> {A} and {B} visit a friend @ plot=deliver_a_present
>> {A} and {B} want to bring a friend something @ plot=deliver_a_present
>> {A} and {B} both want the same thing @ plot=two_want_the_same
>> {A} wants to cheer up {B} @ plot=grumpy_friend
>> {A} and {B} try to fly {in place} @ plot=learn_to_fly_a_kite
>> {A} and {B} want to catch the wind @ plot=learn_to_fly_a_kite
>> {A} and {B} go sailing @ plot=boat_drifts
>> {A} and {B} want to sail a little ship @ plot=boat_drifts
>> {A} and {B} look for something that is gone @ plot=lost_found
>> {A} and {B} look for a treasure @ plot=key_found
>> {A} and {B} are afraid at night ## time night @ plot=afraid_of_dark
>> {A} and {B} want to stay awake all night ## time night @ plot=cannot_sleep

== begin.owner
--
{Once}, {A} stood {in place} with {the prop} in {A.own} {A.paw} and showed it to every cloud. ## A happy, prop A @ -says-place outdoors
{Once}, {A} sat {in place} with {the prop} and would not let go of it. ## A sit, prop A @ -says-place
{Once}, {A} walked about {in place} with {the prop}, as proud as a king. ## A walk happy, prop A @ -says-place
{Once}, {A} held up {the prop} {in place}, so that everybody could see it. ## A happy, prop A @ -says-place
{Once}, {A} held {the prop} tightly and danced a little. ## A jump happy, prop A @ says-place
{Once}, {A} sat down with {the prop} and looked at it from all sides. ## A sit, prop A @ says-place
{Once}, {A} walked around with {the prop} and told everybody about it. ## A walk happy, prop A @ says-place
"It is all mine," said {A} and held {the prop} close. ## A happy, prop A @ says-place
>> {A} has {a prop} ## prop A
>> {A} has {a prop} {in place} ## prop A
>> {A} is {in place} with {a prop} ## prop A
>> {A} is {in place} and has {a prop} ## prop A
>> {A} holds {a prop} {in place} ## prop A
>> {A} sits {in place} with {a prop} ## A sit, prop A
>> {A} walks {in place} with {a prop} ## A walk, prop A
>> {A} jumps around with {a prop} ## A jump, prop A
>> {A} is %rhappy because {A.he} has {a prop} ## A happy, prop A
>> {A.a} has {a prop} ## prop A
>> {A.a} sits {in place} with {a prop} ## A sit, prop A
>> Once there was {A.a} who had {a prop} ## prop A
>> Once upon a time there was {A.a} with {a prop} {in place} ## prop A
>> somebody gave {A} {a prop} ## prop A
>> {A} bought {a prop} ## prop A
>> {A} gets {a prop} for {A.own} birthday ## prop A

== begin.shared
--
{Once}, {A} held {the prop} {in place}, and {B} could hardly wait to hold it, too. ## B happy, prop A @ -says-place
{Once}, {A} sat {in place} with {the prop}, and {B} sat right beside {A.him}. ## A sit, B sit, prop A @ -says-place
{Once}, {A} danced {in place} with {the prop}, and {B} clapped. ## A jump happy, B happy, prop A @ -says-place
{Once}, {A} held {the prop} up, and {B} looked at it, amazed. ## B surprised, prop A @ says-place
{Once}, {A} danced with {the prop}, and {B} danced along. ## A jump happy, B jump happy, prop A @ says-place
{Once}, {A} sat down with {the prop}, and {B} sat right beside {A.him}. ## A sit, B sit, prop A @ says-place
"First me, then you," said {A} and held {the prop} tightly, and {B} laughed. ## B happy, prop A @ says-place
>> {A} and {B} have {a prop} ## prop A
>> {A} and {B} play with {a prop} ## prop A
>> {A} and {B} play with {a prop} {in place} ## prop A
>> {A} and {B} are {in place} with {a prop} ## prop A
>> {A} and {B} {in place} with {a prop} ## prop A
>> {A} and {B} find {a prop} {in place} ## prop A
>> {A} shows {B} {a prop} ## A point, prop A
>> {A} shows {B} {a prop} {in place} ## A point, prop A
>> {A} brings {B} {a prop} ## prop A
>> {A} has {a prop} and {B} wants to see it ## prop A
>> {A} has {a prop} and plays with {B} {in place} ## prop A
>> {A.a} and {B.a} have {a prop} ## prop A
>> {A.a} and {B.a} play with {a prop} {in place} ## prop A
>> a story about {A} and {B} and {a prop} ## prop A
>> Once there were {A.a} and {B.a} with {a prop} ## prop A

== begin.stranger
--
{Once}, {A} told this tale {in place}, as {A.own} grandmother used to tell it. @ -says-place
{Once}, {A} sat {in place} and thought about such tales, for {A.he} loved them. ## A sit @ -says-place
{Once}, {A} dreamed of this {in place} and was surprised how real it was. ## A surprised @ -says-place
{Once}, {A} heard this tale {in place} and was so surprised that {A.own} eyes grew as round as plates. ## A surprised @ -says-place
{Once}, {A} pointed at a cloud {in place} that looked just like that, and laughed. ## A point happy @ -says-place outdoors clear -night
{Once}, {A} played this all by {A.self} {in place} and laughed out loud. ## A happy @ -says-place
{Once}, {A} hopped about and played that this was true. ## A jump happy @ says-place
{Once}, {A} told this tale to the wind, waving {A.own} arms. ## A wave happy @ says-place outdoors
{Once}, {A} dreamed it, and then {A.he} woke up and yawned. ## A sleepy @ says-place
But {A}, who was there, had never seen anything like that and was quite astonished. ## A surprised @ says-place
>> a %wish
>> a story about a %wish
>> tell me a story about a %wish
>> there is a %wish {in place}
>> Once there was a (big|small|wild|friendly) %wish
>> Once upon a time there was a %wish {in place}
>> a (boy|girl|man|woman|prince|princess|queen|king|wizard|knight|fairy) [called %rname] goes {to place}
>> Once there was a (boy|girl|prince|princess|queen|king|wizard|knight|fairy) called %rname
>> Once upon a time there was a (boy|girl|prince|princess|queen|king|wizard|knight|fairy) [{in place}]
>> a story about a (boy|girl|princess|king|knight|mermaid|fairy)
>> tell me a story about %rname
>> %rname goes {to place}
>> %rname is {in place}
>> my name is %rname
>> I am %rname and I am (four|five|six|seven) years old
>> a (dog|lion|mouse|horse|cow|pig|monkey|wolf|hedgehog|squirrel|turtle|dinosaur) is {in place}
>> Once there was a (dog|lion|mouse|horse|cow|pig|monkey|wolf|hedgehog|squirrel|turtle)
>> a story about a (dog|lion|mouse|horse|cow|pig|monkey|wolf|hedgehog|squirrel|turtle)
>> a (car|train|spaceship|rocket|bus|plane) {in place}
>> we fly to the moon
>> a trip to the (moon|stars|desert|jungle|city|zoo)
>> a day at (school|the zoo|the museum|the airport|work)
>> I like (trains|cars|football|pizza|chocolate|music)
>> (Christmas|Halloween|Easter|New Year)
>> aliens land on the earth
>> a story about (love|friendship|courage|space|the ocean|football)
>> my homework is gone
>> what is two plus two
>> how are you
>> who are you?

== begin.nickname
--
{Once}, everybody {in place} called this one {A}, and nobody knew why. @ -says-place
That was the name for Sundays. On all other days it was {A}, who waved and laughed. ## A wave happy @ says-place
But all the friends said {A}, and that was the name that stayed. @ says-place
>> {A.other} is {in place}
>> {A.other} lives {in place}
>> {A.other} goes {to place}
>> there is {A.other} {in place}
>> Once there was {A.other} {in place}
>> Once upon a time there was {A.other}
>> a story about {A.other}
>> tell me a story about {A.other}
"""
