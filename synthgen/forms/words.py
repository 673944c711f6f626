"""Words that do not come from anybody's data: to recognize names and addresses, and to write text.

Names that are also common cities, states or months are left out of the given names.
"""

from __future__ import annotations

_GIVEN_NAMES = """
    aaron adam adrian aisha alan albert alejandro alex alexander alexandra alexis ali alice alicia
    alison allison amanda amber amelia amy ana andrea andreas andrew angela anita ann anna anne
    annette anthony antonio arthur ashley barbara beatrice becky ben benjamin bernard beth betty
    beverly bill bob bobby bonnie brad bradley brandon brenda brian bruce bryan camille carl carla
    carlos carmen carol caroline carolyn carrie catherine cathy cecilia charles charlie cheryl
    chloe chris christian christina christine christopher cindy claire claudia colin connie craig
    crystal curtis cynthia dan daniel daniela danielle danny darlene darren dave david dawn dean
    deborah debra denise dennis derek diana diane dmitri dolores don donald donna doris dorothy
    doug douglas dylan edith eduardo edward edwin eileen elaine eleanor elena eli elias elijah
    elizabeth ella ellen emily emma eric erica erik erin ernest esther ethan eugene eva evan evelyn
    fatima felix fernando fiona frances francesca francisco frank fred frederick gabriel gabriela
    gary george gerald geraldine gina giovanni gladys glen glenn gloria grace greg gregory guillaume
    hannah hans harold harry heather hector heidi helen helena henry herbert holly howard hugo ian
    ibrahim ingrid irene isaac isabel isabella isla ivan jack jacob jacqueline jaime james jamie jan
    jane janet janice jared jasmine jason javier jay jean jeff jeffery jeffrey jennifer jeremy
    jerry jesse jessica jesus jill jim jimmy joan joann joanne joao joe joel johann john johnny
    jonathan jorge jose joseph joshua joyce juan juanita judith judy julia julian julie justin
    karen karl kate katherine kathleen kathryn kathy katie katrina keith kelly ken kenneth kevin
    khalid kim kimberly klaus kristen kristin kurt kyle lars larry laura lauren leah lee lena leo
    leon leonard leslie liam lillian linda lisa lois lori louis louise luca lucas lucia lucy luis
    luke lynn marc marcel marco marcus margaret maria marie marilyn mario marion marjorie mark marta
    martha martin marvin mary mateo matteo matthew max maxine megan mehmet melanie melissa mia
    michael michele michelle miguel mike mildred minh miriam mohamed mohammad mohammed monica
    muhammad nancy naomi natalia natalie nathan nathaniel nicholas nicole nina noah nora norma
    norman oliver olivia omar oscar pamela patricia patrick paul paula pauline pedro peggy penny
    peter philip phillip phyllis pierre priya rachel rafael rahul ralph ramon randy ravi raymond
    rebecca renee ricardo richard rick rita robert roberta roberto robin rodney roger roland ron
    ronald rosa rose rosemary roy ruben russell ruth ryan sabrina sally sam samantha samuel sandra
    sara sarah scott sean sebastian sergio shannon sharon shawn sheila shirley silvia simon sofia
    sonia sophia sophie stacy stanley stefan stephanie stephen steve steven stuart sue susan suzanne
    sven sylvia tamara tammy tanya tara ted teresa terry theodore theresa thomas tiffany tim timothy
    tina todd tom tommy tony tracy travis tyler ursula valentina valerie vanessa vera veronica
    vicki victor vincent vivian walter wanda wayne wei wendy william willie wolfgang yolanda yusuf
    yvonne zachary zoe
"""
GIVEN_NAMES = frozenset(_GIVEN_NAMES.split())
_SURNAMES = """
    adams ahmed ali allen alvarez andersen anderson bailey baker becker bennett bianchi brooks
    brown campbell carter castillo chavez chen clark collins cooper cox cruz davis diaz dubois
    edwards evans fernandez fischer flores foster garcia gomez gonzales gonzalez gray green
    gupta gutierrez hall hansen harris hernandez hill hoffmann howard hughes ivanov jackson
    jansen jensen johansson johnson jones kelly khan kim king kowalski kumar larsen lee lewis li
    lopez martin martinez mendoza meyer miller mitchell moore morales morgan morris muller
    murphy myers nelson nguyen novak olsen ortiz parker patel perez peterson phillips popov
    price ramirez ramos reed reyes richardson rivera roberts robinson rodriguez rogers romano
    ross rossi ruiz russo sanchez sanders santos sato schmidt schneider schulz scott silva singh
    smith stewart sullivan suzuki tanaka taylor thomas thompson torres tran turner wagner walker
    wang ward watson weber white williams wilson wood wright wu yang young zhang
"""
SURNAMES = frozenset(_SURNAMES.split())
TITLES = frozenset({"mr", "mrs", "ms", "miss", "mme", "dr", "prof", "sir", "rev", "master"})
_STREET_WORDS = """
    st street ave avenue av rd road blvd boulevard ln lane dr drive way ct court pl place plz plaza
    pkwy parkway ter terrace cir circle sq square hwy highway trl trail loop aly alley expy
    expressway tpke turnpike walk row path crescent close gardens grove mews rise quay concourse
    strasse str weg platz allee gasse rue via viale piazza calle avenida carrera rua laan straat
    ulica utca vej gata broadway oval slip crossing
"""
STREET_WORDS = frozenset(_STREET_WORDS.split())
STREET_ENDINGS = ("strasse", "straße", "str.", "weg", "platz", "gasse", "allee", "straat", "laan")
_GENERIC_WORDS = """
    about above account across action add after again all also always amount another answer any
    area around ask available back base because before begin below best better between both bring
    build call care case change check clear close come common complete contact continue cost cover
    current date day detail different direct done down during each early easy end enough even every
    example expect fact far few figure fill final find first follow form free from full further
    general give good great group half hand help here high hold hour idea include inform inside
    item join just keep kind know large last later lead learn leave less level line list little
    local long look low made main make many mark matter mean measure meet middle more most move
    much must near need never new next note number object offer often once only open order other
    over own page part past pay people place plan point possible present process provide public
    put question quick quite range rather reach read ready real reason receive record remain
    report request rest result return right round same say second section see send set several
    short show side simple since small some soon sort space speak special stand start state stay
    step still stop strong study such support sure system table take task tell term test than that
    then there thing think this time today together top total toward true try turn type under
    until update upon use usual value very view visit wait want water week well what when where
    which while whole why wide will with within without word work year yes yet
"""
GENERIC_WORDS = tuple(_GENERIC_WORDS.split())
