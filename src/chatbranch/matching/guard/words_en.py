"""English words that turn a statement round, and closed classes whose members must not be exchanged."""

from __future__ import annotations

PLAIN = frozenset(
    {"not only", "no matter", "no longer only", "no doubt", "whether or not", "or not", "no one knows why", "no wonder", "not just", "not to mention",
     "why not", "if not", "nothing but", "may day", "may not only", "no.", "no way to know", "like", "high school", "oh no", "can't wait", "can not wait",
     "couldn't be more", "no joke", "not a joke", "not joking", "not a drill", "no kidding", "not kidding", "say no to", "won't believe", "not gonna lie", "unless", "didn't know", "don't know if"}
)  # fmt: skip
ASKING = (
    "isn't it",
    "isn't that",
    "aren't they",
    "doesn't it",
    "don't they",
    "right or not",
    "or not?",
    "true or not",
)

NEGATORS = frozenset(
    "not no never nor neither without none nobody nothing nowhere cannot can't cant won't wont don't dont doesn't doesnt didn't didnt isn't isnt "
    "aren't arent wasn't wasnt weren't werent hasn't hasnt haven't havent hadn't hadnt wouldn't wouldnt shouldn't shouldnt couldn't couldnt mustn't "
    "needn't mightn't ain't avoid avoids avoided refuse refuses refused fail fails failed lack lacks hardly unable".split()
) | {
    "anything but",
    "rule out",
    "rules out",
    "ruled out",
    "decline to",
    "declines to",
    "declined to",
    "not to",
    "no longer",
    "far from",
    "refuses to",
    "refused to",
}

QUANTIFIERS = {
    "all": "all every everyone everybody each any always entire".split(),
    "some": ["some", "several", "certain", "a few", "part of", "partly", "one of"],
    "most": ["most", "majority of", "the majority", "mostly", "nearly all", "almost all"],
    "only": ["only", "solely", "exclusively", "merely"],
    "more": [
        "more than",
        "over",
        "at least",
        "exceeds",
        "exceeded",
        "above",
        "no fewer than",
        "no less than",
        "greater than",
        "upwards of",
    ],
    "less": [
        "less than",
        "fewer than",
        "under",
        "at most",
        "below",
        "no more than",
        "up to",
        "nearly",
        "almost",
    ],
    "often": ["often", "usually", "regularly", "frequently"],
    "rarely": ["rarely", "few", "hardly any", "seldom", "sometimes", "occasionally"],
}
MODALITIES = {
    "may": [
        "may",
        "might",
        "could",
        "possibly",
        "perhaps",
        "maybe",
        "likely",
        "probably",
        "considering",
        "weighing",
    ],
    "must": [
        "definitely",
        "certainly",
        "surely",
        "inevitably",
        "always will",
        "without doubt",
        "undoubtedly",
        "guaranteed to",
    ],
    "ought": [
        "must",
        "have to",
        "has to",
        "required to",
        "should",
        "mandatory",
        "obliged to",
        "need to",
        "compulsory",
        "requires",
    ],
    "allowed": [
        "optional",
        "voluntary",
        "allowed to",
        "free to",
        "permitted to",
        "invited to",
        "encouraged to",
        "advised to",
        "welcome to",
    ],
    "done": ["already", "has been", "have been"],
    "planned": [
        "will",
        "going to",
        "plans to",
        "set to",
        "intends to",
        "planning to",
        "about to",
        "scheduled to",
    ],
}
TONE = (
    "must read",
    "must see",
    "must watch",
    "you must",
    "please share",
    "must share",
    "have to see",
    "have to read",
    "should read",
    "should know",
    "need to know",
    "needs to know",
    "need to see",
)

POLES = """
change raise raising increase increases increased increasing rise rises rose raises raised grow grew growth surged soared | lower lowering decrease decreases decreased decreasing fall falls fell drop drops dropped reduce reduces reduced decline declined declines plunged lowers lowered
danger safe harmless non-toxic nontoxic healthy beneficial safely | dangerous harmful toxic poisonous unsafe deadly unhealthy hazardous lethal
effect prevent prevents prevented cure cures cured treat treats heal heals protect protects protected stops stop kill kills fights | cause causes caused causing trigger triggers triggered spread spreads worsen worsens induces
temperature hot warm boiling heated | cold iced frozen chilled
order before prior | after following
time morning daytime | night evening nighttime
law legal lawful permitted allowed legalized legalised allow allows | illegal unlawful banned prohibited outlawed forbidden ban bans forbids
price free | paid
open open opens opened opening reopen reopened resume resumed start starts started begin begins launch launched | close closes closed closing shut shuts shutdown suspend suspended end ends ended cancel cancels canceled cancelled
sex king prince man men male boy boys father son husband | queen princess woman women female girl girls mother daughter wife
trade buy buys bought import imports imported | sell sells sold export exports exported
custody arrest arrested arrests detained jailed imprisoned convicted | release released releases freed acquitted pardoned
win win wins won beat beats defeated victory passed approved approve approves succeeded | lose loses lost defeat rejected reject rejects failure
truth true real genuine authentic | false fake bogus phony
size large larger largest big bigger biggest huge | small smaller smallest tiny
height high highest tall | low lowest short
speed fast faster quick quickly | slow slower slowly
strength strengthen strengthens boost boosts boosted improve improves improved | weaken weakens weakened damage damages damaged destroys destroy
life dead die died dies killed death dying | alive survived survives survive surviving living
weight slim thinner weight-loss | fatter obese weight-gain
support support supports supported supporting endorse endorsed endorses | oppose opposes opposed opposing condemned condemns condemn
wealth rich wealthy | poor
place inside indoors | outside outdoors
best best better good | worst worse bad
day summer | winter
early earlier early | later late
raw raw uncooked | cooked
"""
NEGATABLE = frozenset({"danger", "law", "truth", "support"})

THINGS = """
food garlic ginger onion onions tomato tomatoes potato potatoes carrot carrots cabbage spinach celery broccoli cucumber pumpkin mushroom mushrooms tofu soy soybeans peanut peanuts walnut walnuts almonds rice noodles bread cake egg eggs pork beef lamb chicken turkey fish salmon shrimp crab lobster apple apples banana bananas orange oranges lemon lemons grapefruit grape grapes watermelon strawberry strawberries cherry cherries peach pear mango durian pineapple kiwi avocado avocados papaya coconut honey sugar salt msg vinegar pepper cinnamon turmeric butter cheese chocolate gum bacon sausage sausages ham pizza hamburger
drink milk yogurt coffee tea cola coke pepsi beer wine whiskey vodka juice soda lemonade water
disease cancer leukemia diabetes stroke gout asthma cold flu influenza fever covid covid-19 coronavirus pneumonia sars aids hiv hepatitis tuberculosis ebola zika malaria cholera measles polio autism alzheimer's dementia depression obesity rabies smallpox monkeypox infertility herpes arthritis
organ liver kidney kidneys heart lungs brain eyes skin stomach bones teeth
animal bird birds ant ants fly flies goat goats rabbit rabbits crocodiles alligators turtle turtles frog frogs rat rats mouse mice cat cats dog dogs pig pigs cow cows sheep horse horses snake snakes shark sharks bear bears wolf wolves monkey monkeys bat bats bee bees spider spiders mosquito mosquitoes elephant elephants lion lions tiger tigers whale whales alligator alligators crocodile deer squirrel
device microwave phone phones smartphone smartphones computer television refrigerator router airplane plane planes train trains bus buses car cars truck trucks helicopter drone drones mask masks gloves
brand facebook twitter whatsapp instagram tiktok youtube google microsoft netflix walmart starbucks mcdonald's mcdonalds kfc coca-cola pepsi-cola nike disney costco tesla wechat alipay weibo huawei cnn fox-news nasa
group children kids babies infants adults elderly teenagers seniors students teachers doctors doctor nurses nurse teacher veterans soldiers immigrants refugees muslims christians jews catholics mormons democrats republicans liberals conservatives voters police
colour red white black yellow green blue purple pink orange-coloured brown gray grey
hazard earthquake flood typhoon hurricane tsunami tornado drought wildfire explosion blizzard landslide blackout
substance formaldehyde pesticide pesticides hormones antibiotics mercury arsenic lead-metal plastic bleach alcohol nicotine tobacco aspirin ibuprofen vaccine vaccines fluoride aluminum glyphosate 5g wifi marijuana cannabis cocaine heroin fentanyl vitamin-c vitamin-d hydroxychloroquine ivermectin disinfectant
"""

SAYS = frozenset(
    "says said say claims claimed announced announces warns warned confirmed confirms stated states tweeted told reports reported found admitted admits revealed reveals declared".split()
)
SPEAKERS = frozenset(
    "experts expert scientists scientist researchers officials study report media sources".split()
)

FUNCTION = frozenset(
    "a an the of in on at to for from by with as and or but that this these those it its is are was were be been being am do does did have has had "
    "i you he she they we me him her them us my your his their our who whom which what when where why how there here so if then than just about into "
    "out over up down off very too also can will would should could may might really please now get got go going one some any all his'".split()
)
