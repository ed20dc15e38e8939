# ruff: noqa: E501 - a sentence with its meaning stays on one line
"""What may happen in any tale: time passes, the weather turns, friends cheer each other up."""

TEXT = """
== end
The end.

== carry
{X} (still held|was still holding) {the prop} (tightly|carefully|safely) in {X.own} {X.paw}. ## prop X
{X} held on to {the prop} [the whole time]. ## prop X
{X} (took good care of|kept hold of) {the prop}. ## prop X
{X} had {the prop} (safe|close) in {X.own} {X.paw}. ## prop X
All the while {X} held {the prop} (with great care|in {X.own} {X.paw}). ## prop X
{X} held {the prop} close. ## prop X

== bridge.place
Soon it was time to be {in place} again.
Then it was time to go back {to place}.
But the story continued {in place}.
After that little trip the story continued {in place}.
Soon enough the story was back {in place}.
A little later the story continued {in place}.

== bridge.hold
{B} gave {the prop} back, and {A} (thanked {B.him}|took it gladly). ## prop A

== time.dusk
The sun (went down|sank low), and the sky turned (orange|golden|pink). ## time dusk @ clear
(Slowly|Little by little) the day turned into evening. ## time dusk
(Soon|By now) the sun was setting like a big red berry. ## time dusk @ clear
Evening came, and the shadows grew long. ## time dusk @ clear
The evening light made everything golden. ## time dusk @ clear
It was getting late, and the sun went to bed. ## time dusk @ clear
It was getting late, and evening came. ## time dusk

== time.night
Night fell, and the (first|bright) stars came out. ## time night @ clear
It grew dark, and night came. ## time night
(Soon|By now) it was night, and everything was (dark|quiet). ## time night
The last light was gone, and night came. ## time night
Now it was a dark and quiet night. ## time night
The moon rose, and it was night. ## time night @ clear

== time.day
Then the sun came up, and a new day began. ## time day @ clear
(At last|Then) morning came, and it was bright day again. ## time day
The night was over, and the morning sun (rose|came up). ## time day @ clear
The night was over, and a new day began. ## time day

== weather.clear.rain
(Then|Suddenly) it began to rain. ## weather rain
(Dark|Grey) clouds came, and [soon] the rain was falling. ## weather rain
Drip, drop, it (started|began) to rain. ## weather rain
(Just then|At that moment) the first drops fell, and it rained [and rained]. ## weather rain
A cloud came along and brought (rain|a lot of rain). ## weather rain

== weather.clear.snow
(Then|Suddenly) it began to snow. ## weather snow
(Soft|Big) white flakes came down, and it snowed [and snowed]. ## weather snow
(Just then|At that moment) the first snow began to fall. ## weather snow
The air grew cold, and snow began to fall. ## weather snow @ outdoors
(Without a sound|Softly) snow started to fall. ## weather snow

== weather.rain.clear
(At last|Soon) the rain stopped, and the sky cleared. ## weather clear
The rain went away, and the clouds with it. ## weather clear
Then the rain was over, and the sky was clear again. ## weather clear
Slowly the rain stopped, drop by drop. ## weather clear

== weather.snow.clear
(At last|Soon) the snow stopped, and the sky cleared. ## weather clear
Then no more snow fell, and the sky was clear again. ## weather clear
The last flake came down, and the sky cleared. ## weather clear
Slowly the snow stopped falling. ## weather clear

== pool.try
"I will find out how it works," said {A}, for {A.he} was as curious as ever. @ A=fox
"Slowly and gently, that is best," said {A}, because {A.he} was always gentle. @ A=bear
"Quick, quick, it must be done at once!" called {A}, who was never slow. @ A=rabbit
"Careful now, one step after the other," said {A}, because {A.he} was always careful. @ A=penguin
"It will be fun, even if it goes wrong," said {A}, cheerful as ever. @ A=frog
"We have all the time in the world," said {A}, who was the most patient of them all. @ A=elephant
"There must be a trick to it," thought {A}, for {A.he} was very clever. @ A=cat
"I am not afraid of trying," said {A}, and {A.he} puffed up {A.own} brave chest. ## A stand @ A=duck

== pool.alone
"Now what?" thought {A}[, and {A.he} scratched {A.own} head].
"I wish somebody would help me," whispered {A}, and a tear rolled down {A.own} nose. ## A sad
{A.His} {A.ears} drooped, because {A.he} had hoped so much. ## A sad
"Why does it never work?" grumbled {A}, and {A.he} was (cross|angry) with the whole world. ## A cross
"I am too tired to think," said {A}, and {A.he} yawned. ## A sleepy
{A.He} sighed so deeply that the leaves moved. ## A sad @ outdoors
{A} frowned, because {A.he} did not like to give up. ## A cross
"There must be some other way," {A} thought, and {A.he} closed {A.own} eyes to think.
"I will not cry," whispered {A}, but {A.he} felt (sad|unhappy) all the same. ## A sad

== pool.comfort
"Don't worry," said {B}, "two heads are better than one."
"We will think of something," said {B}, and {B.he} put an arm around {A}.
"When I feel like that, I take a deep breath," said {B}. So {A} took a very deep one.
"Never mind," said {B}, "I once lost my own shoes while I was wearing them." {A} almost laughed.
"We are not giving up," said {B}, and {A} felt a little better.
{B} stayed close to {A}, and that alone helped a little.
"Shall I make my silly face?" asked {B}. It was so silly that {A} had to laugh.

== pool.glad
{A} laughed, because everything was good again. ## A happy
"This is the best day of all!" called {A}, and {A.he} jumped for joy. ## A jump happy @ day
A big smile spread over {A.own} face when {A} saw it. ## A happy
"Hooray!" called {A}, and {A.he} jumped up and down. ## A jump happy
{A.His} heart felt as light as a feather, and {A} danced [round and round]. ## A jump happy
{A}'s eyes shone like two little stars. ## A happy

== pool.thanks
"Thank you, {B}, you are a true friend," said {A}.
"Without you, {B}, it would never have worked," said {A}, and {B} blushed.
"You were wonderful, {B}!" called {A}, and {A.he} gave {B.him} a hug.
"Dear {B}, how can I thank you?" asked {A}. "Just ask me again," said {B}.
"I will never forget how you helped me, {B}," whispered {A}.

== pool.both
{They} looked at each other and laughed [until their bellies hurt].
{They} jumped up and down and (laughed|sang) like two merry drums. ## T jump @ -drum
{They} sang a little song, a bit out of tune but very loud.
{They} sat down side by side and were (happy|content). ## T sit happy
And {they} danced round and round until the world was spinning. ## T jump

== pool.trouble1
{A} sniffed, because {A.he} had hoped for so much more. ## A sad
{A} sat down and looked very sad. ## A sit sad
{A} stamped {A.own} foot, for it was not easy to be patient. ## A cross
{A} yawned, because trying so hard makes one tired. ## A sleepy
{A} walked up and down and grumbled to {A.self}. ## A walk cross
{A} stared straight ahead, surprised that things could be so difficult. ## A surprised
{A} looked back over {A.own} shoulder and sighed. ## A sad
{A} turned away, turned back, and frowned, for {A.he} did not want to give up. ## A cross
{A} walked back a few steps, sad and silent. ## A walk sad
A tear rolled down {A.own} {A.nose}, and {A} wiped it away. ## A sad
{A} jumped up and down, so angry was {A.he}. ## A jump cross
"I am so cross that I could bite a stone!" grumbled {A}. ## A cross
{A.His} {A.ears} drooped, and {A.he} felt very small. ## A sad
{A} sat down and yawned like a hippo. ## A sit sleepy
{A} wondered what to do next, and {A.own} eyes grew tired. ## A sleepy
{A} made a sad face that would have softened a rock. ## A sad
{A} reached for {A.own} handkerchief and sobbed a little. ## A point sad
"That surprised me," murmured {A}, "and not in a nice way." ## A surprised
{A} hurried back and forth and did not know where to begin. ## A walk
{A} looked back and shook {A.own} head, quite astonished. ## A surprised

== pool.trouble2
{B} looked just as sad and patted {A} on the back. ## B sad @ A:sad
{B} frowned and thought so hard that {B.own} {B.ears} trembled. ## B cross
{B} was astonished, because {B.he} had never seen {A} like this before. ## B surprised @ A:sad|A:cross chapter0
{B} sat down, because sitting helps with thinking. ## B sit @ -B:sit -A:sit
{B} yawned, and that made {A} yawn, too. ## A sleepy, B sleepy
{B} walked around in a circle, worried and silent. ## B walk sad
{A} sighed, {B} sighed, and then they both sighed at once. ## A sad, B sad
{A} and {B} both grumbled, first loudly and then softly. ## A cross, B cross @ -event=help
{B} was worried, too, but {B.he} tried to hide it. ## B sad @ A:sad
{A} stared at {B}, and {B} stared back, both of them surprised. ## A surprised, B surprised
{B} jumped up and down to think better, and was surprised how hard it was. ## B jump surprised
{A} grumbled a little, and {B} pretended not to hear it. ## A cross
{B} scratched {B.own} head and looked at the sky, quite astonished. ## B surprised @ outdoors
{A} rubbed {A.own} tired eyes, and {B} yawned. ## A sleepy, B sleepy
{A} and {B} sat down for a moment, a little sad. ## A sit sad, B sit sad
{B} stamped {B.own} foot, so cross was {B.he} about it all. ## B cross @ -event=help
{B} had not expected such trouble and was quite surprised. ## B surprised
{B} pointed this way and that way, quite surprised at having no plan. ## B point surprised
{A} looked sad, and {B} looked cross, and for a while nobody spoke. ## A sad, B cross @ -event=help
{A} was so sad that {B} did not know what to say. ## A sad @ -B:happy
{A} grumbled, and {B} sighed. ## A cross, B sad
{A} was so tired that {A.he} leaned on {B}, who yawned, too. ## A sleepy, B sleepy
{A} frowned, and {B} frowned along, to be kind. ## A cross, B cross
Both {A} and {B} were astonished at so much bad luck. ## A surprised, B surprised

== pool.joy1
{A} danced until {A.he} was tired. ## A jump sleepy
{A} stared, as if it were all a dream, so surprised was {A.he}. ## A surprised
{A} waved to the whole world. ## A wave happy
{A} hopped on one leg and then on the other. ## A jump happy
{A} beamed like the morning sun. ## A happy
{A} gasped, and then {A.he} laughed out loud. ## A surprised

== pool.joy2
{B} was so surprised that {B.he} had to sit down. ## B sit surprised
{B} gasped, and then {B.he} laughed out loud. ## B surprised
{B} danced a little dance, and {A} was amazed. ## B jump happy, A surprised
{B} jumped so high that {B.he} was startled {B.self}. ## B jump surprised
{B} waved both arms like flags and was amazed. ## B wave surprised @ -hold=B
{A} hopped on one leg, and {B} hopped on the other. ## A jump happy, B jump happy
{A} and {B} stared at each other, amazed at themselves. ## A surprised, B surprised
{B} yawned, for so much joy makes one tired. ## B sleepy @ dusk|night
{B} could only stare in surprise. ## B surprised
{A} and {B} danced in a circle until they were dizzy and tired. ## A jump sleepy, B jump sleepy
{B} clapped, and {A} waved with both arms. ## A wave happy, B happy @ -hold=A -hold=B
{A} was astonished, and {B} was even more astonished. ## A surprised, B surprised
{A} yawned, {B} yawned, and then both of them laughed. ## A sleepy, B sleepy @ dusk|night
"""
