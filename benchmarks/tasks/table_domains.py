"""The subjects of generated tables: columns, invented names, and the phrases that questions use for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A column of numbers.

    Attributes:
        column: its name in the table.
        noun: the phrase for it in a question, such as "number of visitors".
        values: its possible values.
        form: the form in which a cell is written, such as "${:,}".
        unit: the unit in which a question asks for it, such as "in dollars"; empty for none.
    """

    column: str
    noun: str
    values: Sequence[int]
    form: str = "{:,}"
    unit: str = ""


@dataclass(frozen=True)
class Second:
    """A second table, with one row for each group of the first.

    Attributes:
        name: its name in SQL and in the problem's text.
        kind: a column of texts, of which several groups share one, as name and noun.
        kinds: the values of that column.
        of_kind: a phrase for the things whose group has such a value, with a place for it.
        measure: a column of numbers.
        above: a phrase for the things whose group has a number above a limit, with a place for the limit.
    """

    name: str
    kind: tuple[str, str]
    kinds: tuple[str, ...]
    of_kind: str
    measure: Measure
    above: str


@dataclass(frozen=True)
class Domain:
    """A subject of tables.

    Attributes:
        name: the name of the table.
        one, many: the words for a row.
        names: the names of rows, different from each other; the first column has them.
        group: the name of the column of groups, which is also the word for one.
        groups: the groups.
        of_group: a phrase for the things of a group, with a place for it.
        measures: the columns of numbers.
        date: the column of dates.
        dated: the verb phrase that goes with a date, such as "was founded".
        second: the second table.
    """

    name: str
    one: str
    many: str
    names: tuple[str, ...]
    group: str
    groups: tuple[str, ...]
    of_group: str
    measures: tuple[Measure, ...]
    date: str
    dated: str
    second: Second


_PEOPLE = (
    *(
        "Amara Abbott",
        "Bruno Bergman",
        "Chidi Castro",
        "Dalia Dvorak",
        "Emil Eriksen",
        "Farah Fontaine",
        "Goran Garcia",
    ),
    *(
        "Hanna Hussein",
        "Ivo Ishikawa",
        "Jarek Jansen",
        "Keiko Kovacs",
        "Liora Lindqvist",
        "Mateo Moreau",
        "Nadia Novak",
    ),
    *("Oskar Okafor", "Pilar Petrov", "Quinn Quigley", "Rashid Romano", "Sofia Schmidt", "Tomas Tanaka", "Uma Urbina"),
    *("Viktor Vidal", "Wanda Weiss", "Yusuf Yamada"),
)

DOMAINS = (
    Domain(
        "towns", "town", "towns",
        ("Brackwell", "Dunhaven", "Elsford", "Fennick", "Garrowby", "Hollin", "Istmere", "Kelbrook", "Lunsted",
         "Marrow Hill", "Nethercote", "Orrisdale", "Pelham Cross", "Quarley", "Ravensby", "Selworth", "Tarnley",
         "Upwick", "Verrow", "Wexcombe", "Yarnton Mill", "Ashlow", "Corrin", "Thistleby"),
        "region", ("Northmoor", "Saltcoast", "Highdale", "Eastreach", "Greywood"), "in the region {}",
        (
            Measure("population", "population", range(800, 90_000)),
            Measure("area (km²)", "area", range(5, 400), "{}", "in square kilometres"),
            Measure("schools", "number of schools", range(1, 40), "{}"),
        ),
        "chartered", "received its charter",
        Second(
            "regions", ("climate", "climate"), ("dry", "mild", "wet"), "in a region with a {} climate",
            Measure("rainfall (mm)", "rainfall", range(300, 1900, 10)), "in a region with more than {} mm of rain",
        ),
    ),
    Domain(
        "employees", "employee", "employees", _PEOPLE,
        "department", ("Sales", "Design", "Legal", "Logistics", "Research"), "in the {} department",
        (
            Measure("salary", "salary", range(28_000, 98_000, 50), "${:,}", "in dollars"),
            Measure("age", "age", range(21, 66), "{}"),
            Measure("days off", "number of days off", range(31), "{}"),
        ),
        "hired", "was hired",
        Second(
            "departments", ("office", "office"), ("Lisbon", "Graz", "Turku"), "in a department with its office in {}",
            Measure("budget", "budget", range(100_000, 900_000, 500), "${:,}"),
            "in a department with a budget of more than ${}",
        ),
    ),
    Domain(
        "products", "product", "products",
        ("Aria lamp", "Bolt rack", "Cinder stove", "Dapple rug", "Ember kettle", "Flint knife", "Gable shelf",
         "Hearth pan", "Inlet hose", "Juniper desk", "Kite chair", "Lattice screen", "Mallow quilt", "Nimbus fan",
         "Ochre vase", "Pebble clock", "Quill pen", "Ridge tent", "Sable brush", "Tundra flask", "Umber stool",
         "Vesper mirror", "Willow basket", "Zephyr blind"),
        "supplier", ("Abelone", "Birkdal", "Corvus", "Dunmore", "Estrada"), "from the supplier {}",
        (
            Measure("price", "price", range(4, 260), "${:,}", "in dollars"),
            Measure("stock", "stock", range(2_400)),
            Measure("sold", "number of pieces sold", range(10, 9_000)),
        ),
        "listed", "was listed",
        Second(
            "suppliers", ("country", "country"), ("Norway", "Portugal", "Chile"), "from a supplier in {}",
            Measure("staff", "staff", range(15, 1_200)), "from a supplier with a staff of more than {}",
        ),
    ),
    Domain(
        "books", "book", "books",
        ("A Field of Glass", "The Ninth Harbour", "Salt Letters", "Quiet Engines", "The Cartographer",
         "Winter Orchard", "Paper Rivers", "The Last Ferry", "Copper Sky", "An Empty Chair", "The Beekeeper",
         "Northern Lines", "Half a Map", "The Glass Violin", "Low Tide", "Seven Lanterns", "The Clockmaker",
         "Dust and Honey", "A Borrowed House", "The Long Field", "Iron Garden", "Small Hours", "The Weaver",
         "Open Water"),
        "publisher", ("Alder Press", "Bluebird", "Caxton Hall", "Domino", "Elm Street"), "published by {}",
        (
            Measure("pages", "number of pages", range(90, 900), "{}"),
            Measure("copies sold", "number of copies sold", range(500, 250_000)),
            Measure("price", "price", range(6, 60), "${:,}", "in dollars"),
        ),
        "published", "was published",
        Second(
            "publishers", ("seat", "seat"), ("Dublin", "Vienna", "Toronto"), "of a publisher with its seat in {}",
            Measure("authors", "number of authors", range(12, 400), "{}"), "of a publisher with more than {} authors",
        ),
    ),
    Domain(
        "flights", "flight", "flights",
        ("KX 101", "KX 118", "KX 240", "LN 305", "LN 377", "LN 412", "MO 502", "MO 561", "MO 590", "PR 610",
         "PR 644", "PR 689", "QS 703", "QS 725", "QS 771", "RV 806", "RV 839", "RV 881", "ST 902", "ST 917",
         "ST 958", "UW 204", "UW 266", "UW 293"),
        "airline", ("Kestrel Air", "Lunar Lines", "Monarch Sky", "Petrel", "Quasar"), "of the airline {}",
        (
            Measure("distance (km)", "distance", range(210, 9_800), "{:,}", "in kilometres"),
            Measure("passengers", "number of passengers", range(40, 380), "{}"),
            Measure("delay (min)", "delay", range(190), "{}", "in minutes"),
        ),
        "date", "took place",
        Second(
            "airlines", ("alliance", "alliance"), ("Meridian", "Compass", "Zenith"), "of an airline in the {} alliance",
            Measure("aircraft", "number of aircraft", range(8, 320), "{}"), "of an airline with more than {} aircraft",
        ),
    ),
    Domain(
        "museums", "museum", "museums",
        ("Amber Museum", "Bell Foundry", "Canal House", "Doll Collection", "Ethnology Hall", "Fossil Gallery",
         "Glass Works", "Harbour Museum", "Instrument Room", "Jewel Cabinet", "Kite Museum", "Loom Hall",
         "Mint Museum", "Natural History", "Opera Archive", "Print Room", "Quarry Museum", "Railway Shed",
         "Stamp Museum", "Textile Mill", "Urban Museum", "Vintage Cars", "Whaling Museum", "Zoology Hall"),
        "city", ("Arden", "Bellport", "Castra", "Delmar", "Eskwood"), "in the city of {}",
        (
            Measure("visitors", "number of visitors", range(2_000, 480_000)),
            Measure("ticket", "ticket price", range(2, 32), "€{:,}", "in euros"),
            Measure("rooms", "number of rooms", range(3, 90), "{}"),
        ),
        "opened", "opened",
        Second(
            "cities", ("country", "country"), ("Aldovia", "Brennland", "Corsia"), "in a city of {}",
            Measure("inhabitants", "number of inhabitants", range(20_000, 900_000, 100)),
            "in a city with more than {} inhabitants",
        ),
    ),
    Domain(
        "riders", "rider", "riders", _PEOPLE,
        "team", ("Cobalt", "Dynamo", "Falcon", "Granite", "Mistral"), "of the team {}",
        (
            Measure("points", "number of points", range(12, 1_900)),
            Measure("stage wins", "number of stage wins", range(12), "{}"),
            Measure("weight (kg)", "weight", range(54, 89), "{}", "in kilograms"),
        ),
        "born", "was born",
        Second(
            "teams", ("licence", "licence"), ("Belgian", "Swiss", "Danish"), "of a team with a {} licence",
            Measure("budget", "budget", range(400_000, 9_000_000, 1_000), "€{:,}"),
            "of a team with a budget of more than €{}",
        ),
    ),
    Domain(
        "bridges", "bridge", "bridges",
        ("Anvil Bridge", "Bishop Bridge", "Cedar Crossing", "Deacon Span", "Eagle Viaduct", "Ferry Bridge",
         "Gate Bridge", "Heron Span", "Iron Arch", "Jubilee Bridge", "King Viaduct", "Lock Bridge",
         "Mill Crossing", "New Arch", "Old Span", "Priory Bridge", "Queen Viaduct", "Rope Bridge", "Stone Arch",
         "Toll Bridge", "Union Span", "Valley Viaduct", "West Crossing", "Yard Bridge"),
        "river", ("Aune", "Brisk", "Calder", "Dove", "Erne"), "over the river {}",
        (
            Measure("length (m)", "length", range(40, 2_600), "{:,}", "in metres"),
            Measure("lanes", "number of lanes", range(1, 9), "{}"),
            Measure("vehicles a day", "number of vehicles a day", range(300, 95_000)),
        ),
        "opened", "opened",
        Second(
            "rivers", ("sea", "sea"), ("North Sea", "Irish Sea", "Baltic"), "over a river that flows into the {}",
            Measure("length (km)", "length", range(60, 900), "{}"), "over a river that is longer than {} km",
        ),
    ),
)  # fmt: skip
"""All subjects. Towns, firms, works and people are invented."""
