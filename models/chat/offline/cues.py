"""CUES: how people in the field say what they want, one pattern over normalised text with places per line of thought.

(action, weight, pattern): 4 is a word that leaves no doubt, 2 a usual phrase, 1 a hint. Weights were set by hand on the
example requests; similarity to those examples (0 to 1) is added in `intents`.
"""

from models.chat.offline.cue_words import BINDERS, COMPOUNDS, CREATE, LIGHTER, MAKE, MOLECULE, PROPERTY
from models.chat.offline.cues_knowledge import KNOWLEDGE_CUES

CUES: tuple[tuple[str, float, str], ...] = (
    ("design_ligands", 2.0, rf"\b{CREATE}\b.*\b{BINDERS}\b"),
    (
        "design_ligands",
        2.2,
        (
            rf"\b{MAKE}\b.*\b{COMPOUNDS}\b.*(?:\b(?:for|against|targeting|inhibiting|blocking|"
            r"binding|hitting|into|in)\b (?:the |this |that |my |our |human )*(?:§[tuf]\d+§|pocket|"
            r"site|binding|active site|protein|receptor|target|kinase|enzyme)|\b(?:that|which|to) "
            r"(?:strongly |tightly |would |could |can |should |might )*(?:bind|inhibit|block|fit|"
            r"hit|target|beat|outperform))"
        ),
    ),
    (
        "design_ligands",
        2.0,
        (
            rf"\b{CREATE}\b.*\b(?:for|against|targeting|that (?:binds?|inhibits?|blocks?|fits?|"
            r"hits?)|which (?:binds?|inhibits?|blocks?))\b (?:the |this |that |my |human "
            r")*§[tu]\d+§"
        ),
    ),
    (
        "design_ligands",
        1.8,
        (
            r"\b(?:inhibit|block|target|drug|hit|beat)(?:s|ing)?\b (?:the |this |human "
            r")*(?:§[tu]\d+§|protein|enzyme|receptor|pocket)"
        ),
    ),
    (
        "design_ligands",
        1.5,
        (
            r"\bde ?novo\b|\bhit (?:finding|generation|discovery)\b|\blead (?:generation|"
            r"discovery)\b|\bligand design\b|\bdrug design\b|\bstructure.based design\b"
        ),
    ),
    ("design_ligands", 1.0, r"\bbeat(?:s|ing)?\b §[mh]|better than §[mh]|better binders?|outperform"),
    (
        "find_pockets",
        2.4,
        (
            r"\b(?:find|predict|detect|locate|identify|map|list|where|what|which|show|get|give|"
            r"look for|search|is there|are there|any|see|determine|scan)\w*\b.*\b(?:pockets?|"
            r"binding sites?|active sites?|cavit(?:y|ies)|binding residues|druggable sites?|"
            r"allosteric sites?|catalytic sites?|ligand sites?|binding cleft|grooves?|clefts?)\b"
        ),
    ),
    (
        "find_pockets",
        1.6,
        r"^\W*(?:the |all )?(?:binding |druggable )?(?:pockets?|binding sites?|cavit(?:y|ies)|active sites?)\b",
    ),
    (
        "find_pockets",
        2.0,
        (
            r"\b(?:pockets?|binding sites?|cavities) (?:of|in|on|for|prediction|detection|finding|"
            r"finder)\b(?!.*\bligands?\b)|\bwhich residues\b.*\b(?:bind|line|form|contact|"
            r"interact)|\bwhere (?:does|do|could|can|might|would|will|is)\b.*\b(?:bind|binds|sit|"
            r"sits|bound|go)\b|\bdruggab(?:le|ility)\b|\bbindetasche\b"
        ),
    ),
    (
        "plan_synthesis",
        3.2,
        (
            r"\bretro ?-?synth\w*|\bsynthe(?:tic|sis) (?:routes?|plans?|pathways?|planning|path|"
            r"ways?)\b|\b(?:plan|propose|find|suggest|give|show|need|get|want|do|work out|outline|"
            r"devise)\w*\b.*\bsynthes[ei]s\b|\bsynthesis (?:of|for|plan)\b|\broutes? (?:to|for|of|"
            r"towards)\b|\bhow\b.*\bsynthesi[sz]ed?\b|\bsynthesi[sz]e\b(?!d)"
        ),
    ),
    (
        "plan_synthesis",
        2.6,
        (
            rf"\bhow (?:do|can|could|would|might|to|should|would)\b.{{0,25}}\b(?:make|prepare|build|"
            rf"produce|get to|access|cook|obtain)\b (?:up )?{MOLECULE}|\bcan {MOLECULE} be (?:made|"
            r"prepared|synthesi[sz]ed|produced)|\bhow (?:is|was|are|can|could|would|might) "
            rf"{MOLECULE} (?:be )?(?:made|prepared|produced|synthesi[sz]ed)|\b(?:can|could) (?:we|"
            rf"you|i|one|it|anyone) (?:actually )?(?:make|be made)\b|\bmake {MOLECULE} in (?:the "
            r"lab|real life)"
        ),
    ),
    (
        "plan_synthesis",
        1.6,
        (
            r"\b(?:precursors?|building blocks?|starting materials?|disconnect\w*|buyable|total "
            r"synthesis)\b|^(?:please |just )?(?:make|prepare) §[mh]\d+§(?! (?:more|less|better|"
            r"lighter|smaller|bigger|easier))|\broutes?\b|¦ (?:ways?|routes?|steps?)"
        ),
    ),
    (
        "predict_reaction",
        3.0,
        (
            r"\breact(?:s|ed|ing|ions?|ants?)?\b(?!ive)|§x\d+§|\bforward (?:prediction|synthesis)\b|"
            r"(?<!\bof )(?<!\bfor )\bwhat (?:happens|forms|is formed|comes out|do i get|do you get|would i get|would "
            r"form|will form|results|will i get|would happen|product)\b|\bproducts? (?:of|from|"
            r"when|if|between)\b|\bpredict the products?\b|\bmain products?\b|§[mh]\d+§ ?(?:\+|"
            r"plus|->) ?§[mh]\d+§"
        ),
    ),
    (
        "predict_reaction",
        2.2,
        (
            r"\b(?:mix|combine|couple|treat|heat|condense|acylate|alkylate|esterify|add|reflux|"
            r"stir|put together)\w*\b.*§[mh]\d+§.*(?:and|with|to|in|,).*§[mh]\d+§"
        ),
    ),
    (
        "generate_molecules",
        1.7,
        (
            rf"\b{MAKE}\b.*\b{COMPOUNDS}\b|^(?:\d+ |some |a few |new |novel |random |more |¦ |"
            rf"(?:lead|drug|fragment|natural product)-?like )+{COMPOUNDS}\b"
        ),
    ),
    (
        "optimize_molecule",
        2.8,
        (
            rf"\b(?:make|get|turn|have|want|need)\b (?:me )?{MOLECULE}.{{0,12}}\b(?:more|less|a bit|"
            rf"bit|slightly|much|better|easier|{LIGHTER})\b"
        ),
    ),
    (
        "optimize_molecule",
        2.4,
        (
            r"\b(?:optimi[sz]e|optimi[sz]ation|improve|tweak|modify|tune|enhance|fix|adjust|refine|"
            rf"polish|vary|decorate|grow|morph|evolve)\w*\b.{{0,40}}(?:{MOLECULE}|{PROPERTY}|¦)"
        ),
    ),
    (
        "optimize_molecule",
        2.6,
        (
            r"\b(?:increase|decrease|reduce|lower|raise|boost|bring down|cut|drop|maximi[sz]e|"
            rf"minimi[sz]e|higher|better|improve|push|bump)\w*\b.{{0,25}}\b{PROPERTY}"
        ),
    ),
    (
        "optimize_molecule",
        1.5,
        (
            r"\b(?:more|less|too|not) (?:water )?(?:soluble|lipophilic|hydrophobic|hydrophilic|"
            r"polar|greasy|rigid|flexible|drug-?like|complex|heavy|fatty|insoluble)\b|\blead "
            r"optimi[sz]ation\b|\b(?:lighter|smaller|simpler) (?:one|than|please)"
        ),
    ),
    (
        "generate_materials",
        3.2,
        (
            r"\bmofs?\b|\bmetal[- ]?organic\b|\bframeworks?\b|\bporous (?:materials?|solids?|"
            r"crystals?|framework)\b|\bcoordination polymers?\b|\bzeolitic\b|\bzifs?\b|"
            r"(?<!starting )(?<!raw )\bmaterials? (?:for|with|based)\b|\b(?:generate|design|propose|make|"
            r"create)\b.{0,20}\bmaterials?\b"
        ),
    ),
    (
        "edit_protein",
        3.2,
        (
            r"\bmutat(?:e|es|ed|ing|ions?)\b(?! (?:data|analysis))|\bmutants?\b|\bprotein "
            r"(?:engineering|editing|design|edit)\b|\b(?:improve|engineer|edit|optimi[sz]e|"
            r"stabili[sz]e|evolve|modify|redesign|change|tweak|design|humani[sz]e|"
            r"diversify)\w*\b.{0,25}(?:§[pn]\d+§|\b(?:proteins?|enzymes?|sequence|gfp|peptide|"
            r"the stability|thermostability|fluorescence|brightness)\b)|\bvariants? (?:of|for|"
            r"from) (?:the |this |my )*(?:§[pn]\d+§|protein|enzyme|gfp|sequence|wild)|\bdirected "
            r"evolution\b"
        ),
    ),
    ("edit_protein", 2.4, r"§v\d+§.*§[pn]\d+§|§[pn]\d+§.*§v\d+§"),
    (
        "edit_protein",
        2.4,
        (
            r"\b(?:brighter|thermostab\w*|more stable|stabler|more fluorescent|fluorescence|"
            r"thermal stability|more active)\b.{0,40}(?:§[pnh]\d+§|protein|enzyme|variants?)|"
            r"(?:§[pn]\d+§|protein|enzyme).{0,40}\b(?:brighter|thermostab\w*|more stable|stabler|"
            r"fluorescent|better|variants?|mutations?|changes|substitutions?|stability)\b"
        ),
    ),
    (
        "design_antibody_cdr",
        3.8,
        (
            r"\bcdr[- ]?[hl]?\d?s?\b|\bcomplementarity\b|\bantibod(?:y|ies)\b|\bnanobod(?:y|ies)\b|"
            r"\bvhh\b|\b[hl][123] ?(?:-)?loops?\b|\bloops? [hl][123]\b|\bheavy chain\b|\blight "
            r"chain\b|\bscfv\b|§a\d+§|\bparatope\b|\bfab\b|\b[hl][123]\b (?:variants?|for|of|"
            r"designs?|sequences?)|\b(?:new|redesign|design) (?:an? |the )?[hl][123]\b"
        ),
    ),
    ("design_antibody_cdr", 3.8, r"\b[hl][123]s?\b.*§p\d+§|§p\d+§.*\b[hl][123]s?\b"),
    (
        "molecule_properties",
        2.2,
        (
            r"\b(?:what|whats|what's|which|how (?:many|much|high|low)|compute|calculate|calc|get|show|tell|give|check|"
            r"list|report|work out|determine|evaluate|estimate|predict|need|how about|measure|assess|"
            rf"profile|compare|know|print)\b.{{0,40}}\b{PROPERTY}|^\W*(?:the "
            rf")?{PROPERTY}\b.{{0,24}}\b(?:of|for|from)\b|\b{PROPERTY} (?:of|for) (?:the "
            rf")?{MOLECULE}|{MOLECULE}(?:'s)? {PROPERTY}|\bits {PROPERTY}|{PROPERTY}(?: ?,| and| \?|"
            rf"\?)* (?:of|for)? ?{MOLECULE}"
        ),
    ),
    (
        "molecule_properties",
        2.2,
        (
            r"\bhow (?:heavy|lipophilic|big|soluble|polar|greasy|drug-?like|large|complex|"
            rf"flexible)\b|\b(?:is|are|does|do|would|will) {MOLECULE}.{{0,25}}(?:drug-?like|drug "
            r"like|lipinski|pains|alerts?|soluble|ro5|rule of|oral|lipophilic|flexible|¦|toxic|"
            rf"safe|reactive)|\bdescribe {MOLECULE}|\bcharacteri[sz]e {MOLECULE}|\btell me (?:\w+ "
            rf")?(?:about|more about) {MOLECULE}|\bprofile (?:of |for )?{MOLECULE}|\b(?:info|"
            rf"information|facts|data|details) (?:on|about|for) {MOLECULE}|\bcheck {MOLECULE}"
        ),
    ),
    (
        "molecule_properties",
        1.1,
        (
            rf"^what(?:'s| is|s) {MOLECULE}\W*$|\b(?:properties|descriptors)\b|\bcompare {MOLECULE}|"
            rf"\bstructure of {MOLECULE}|^{PROPERTY}.{{0,12}}{MOLECULE}|"
            rf"^{MOLECULE}.{{0,12}}{PROPERTY}\W*$"
        ),
    ),
    ("dock", 3.4, r"\b(?:re)?dock(?:s|ed|ing|er)?\b(?! (?:budget|calls?|runs? budget))"),
    (
        "dock",
        2.6,
        (
            rf"\bhow (?:well|strongly|tightly|good|strong|tight)\b.{{0,20}}\bbind|\b(?:binding "
            r")?affinit(?:y|ies)\b|\b(?:does|do|will|would|can|could|check (?:if|whether)|see "
            rf"(?:if|whether)|test (?:if|whether)|if|whether) {MOLECULE}.{{0,12}}\b(?:bind|binds|"
            r"fit|fits|inhibit|hit)\b|\bbinding (?:pose|mode|energy|score)\b|\bposes? (?:of|for)\b|"
            rf"\bscore {MOLECULE}.{{0,20}}(?:against|in|on|at)|\bvina\b|\b(?:put|place) "
            rf"{MOLECULE}.{{0,20}}(?:pocket|site|§[tf])|\btest {MOLECULE}.{{0,20}}(?:against|in|on) "
            r"(?:the )?(?:§[tuf]|pocket|target)"
        ),
    ),
    (
        "dock",
        3.0,
        (
            r"§[mh]\d+§ (?:\w+ ){0,4}(?:in|into|inside|within|to) (?:the |its )?(?:\w+ ){0,2}(?:site|pocket|cavity|"
            r"cleft)\b.*§[tuf]\d+§"
        ),
    ),
    (
        "minimize",
        3.6,
        (
            rf"\b(?:energy[- ])?minimi[sz](?:e|ed|ing|ation)\b(?!.{{0,12}}\b(?:{PROPERTY}|vina))|"
            r"\brelax(?:ed|ation|ing)?\b|\bforce ?field\b|\bopenmm\b|\b(?:refine|clean up|fix|tidy "
            r"up|polish|optimi[sz]e) (?:the |this |that |its |docked )*(?:pose|complex|geometry|"
            r"docked)|\bstrain (?:relief|energy)\b|\blet it settle\b|\bminimi[sz]e\b"
        ),
    ),
    (
        "design_ligands",
        2.0,
        (
            rf"§[tu]\d+§(?: kinase| receptor)? {BINDERS}\b|^(?:(?:some|any|\d+|new|novel|more|"
            rf"better|potent|strong|selective|small|a few|the|¦|covalent) )*{BINDERS}\b"
        ),
    ),
    (
        "optimize_molecule",
        3.0,
        (
            r"\b(?:analog(?:ue)?s?|derivatives?|variants?|versions?|bioisosteres?)\b (?:of|for|to|"
            rf"on|around) (?:the )?{MOLECULE}"
        ),
    ),
    (
        "design_ligands",
        2.3,
        (
            rf"\b{COMPOUNDS}\b.{{0,20}}\b(?:for|against|targeting|inhibiting|blocking)\b (?:the |"
            r"human |mutant |a |an |my )*(?:§[tuf]\d+§|pocket|protein|receptor|target|cancer|"
            r"disease|alzheimer\w*|diabetes|parkinson\w*|malaria|covid\w*|virus|bacteria|pain|"
            r"tumou?rs?|infection\w*|hiv)"
        ),
    ),
    (
        "design_ligands",
        2.6,
        (
            rf"\b{CREATE}\b (?:me |us )?(?:an? |the |some |new |novel |better )*(?:drugs?|medicines?|"
            r"therapeutics?)\b(?!-)"
        ),
    ),
    (
        "generate_molecules",
        1.8,
        (
            r"^(?:molecules?|compounds?|mols|smiles)\b (?:with|start|begin|that (?:have|look|are)|of|"
            r"having|around|between|below|above|¦)"
        ),
    ),
    (
        "predict_reaction",
        2.6,
        (
            r"\bwhat (?:does|do|would|will|could) §[mh]\d+§.{0,30}\b(?:do|give|yield|form|make|"
            r"become|turn)\b.*§[mh]\d+§|\b(?:suzuki|heck|buchwald|amide|sonogashira|grignard|aldol|"
            r"diels.?alder|esterification|amidation|acylation|alkylation|coupling|condensation|"
            r"hydrolysis|oxidation|hydrogenation|click|nitration|substitution)\b.*§[mh]\d+§"
        ),
    ),
    (
        "optimize_molecule",
        2.7,
        (
            r"\b(?:change|alter|adapt|transform|edit|redesign|rework|derivati[sz]e)\w*\b "
            rf"{MOLECULE}|\b{MOLECULE} is (?:far |way |much |a bit )?too\b|\b{MOLECULE} (?:should|"
            r"must|needs to|has to) (?:be|become|get)\b"
        ),
    ),
    (
        "molecule_properties",
        3.9,
        (
            r"\bwhich (?:one |of (?:them|these|those|the \w+) |molecule |compound |drug )?(?:is|has|are|"
            r"would be|looks)\b.{0,24}(?:soluble|lipophilic|heav|light|polar|drug-?like|qed|logp|"
            r"tpsa|weight|bigg|small|flexible|eas(?:y|ier|iest) to|¦)"
        ),
    ),
    ("molecule_properties", 1.6, rf"^(?:show|display|draw|view|see|describe|depict)\b (?:me )?{MOLECULE}"),
    (
        "optimize_molecule",
        3.0,
        (
            r"\b(?:get|bring|push|move|drive|shift|"
            rf"take)\b.{{0,15}}\b{PROPERTY}.{{0,24}}\b(?:up|down|higher|lower|into|to|below|above|"
            r"under|over)\b"
        ),
    ),
    ("generate_molecules", 1.7, rf"^(?:have |get |see )(?:\d+|some|a few|several) (?:\w+[ -]){{0,3}}{COMPOUNDS}\b"),
    (
        "predict_reaction",
        2.6,
        (
            r"\bwhat(?:'s| is|s| was| gets)? (?:formed|obtained|produced|made)\b|§[mh]\d+§ (?:is|was|"
            r"gets) (?:treated|reacted|combined|mixed|heated|added)"
        ),
    ),
    (
        "find_pockets",
        2.5,
        (
            r"\bwhere (?:\w+ ){0,3}(?:could|can|might|would|do|does|will|may) (?:\w+ ){0,3}(?:bind|sit|"
            r"dock|go|fit|attach|lodge|land|lie)\b|§[fthp]\d+§ (?:binding )?(?:pockets?|sites?|cavit(?:y|ies))\b"
        ),
    ),
    (
        "generate_molecules",
        1.7,
        (
            rf"^\w+ (?:out |up |me |us |over )?\d+ (?:\w+[ -]){{0,3}}{COMPOUNDS}\b|^(?:molecules|"
            r"compounds|structures|smiles)\b ?,"
        ),
    ),
    (
        "plan_synthesis",
        3.0,
        rf"\bways? (?:to|of|for) (?:make|making|prepar\w+|access\w*|obtain\w*|get to|getting|build\w*|produc\w+) "
        rf"{MOLECULE}",
    ),
    (
        "predict_reaction",
        2.6,
        r"\b(?:outcome|result|product|yield)s? (?:of|for|from) §[mh]\d+§.{0,12}(?:and|with|\+|plus) §[mh]",
    ),
    (
        "optimize_molecule",
        3.2,
        (
            rf"\b(?:make|get|bring|push|move|shift|set|have|keep|tune|adjust|want|need)\b (?:the "
            rf")?(?:{MOLECULE}(?:'s)? "
            rf"{PROPERTY}|{PROPERTY} of {MOLECULE}) (?:go|be|become|stay|fall|rise|drop|lie|sit|to|into|below|"
            rf"above|under|¦|up|"
            r"down|higher|lower|between)"
        ),
    ),
    (
        "generate_molecules",
        3.2,
        r"\bprefix(?:ed)?\b|\bsmiles\b.{0,20}\b(?:start|begin)(?:s|ning|ing)? (?:with|from)\b",
    ),
    (
        "optimize_molecule",
        2.6,
        rf"\b(?:shrink|slim|trim|rigidify|simplify|solubili[sz]e|lighten|downsize)\w* (?:down )?{MOLECULE}",
    ),
    ("design_ligands", 3.0, r"\b(?:beat|outperform|surpass|out-?compete)\w*\b.{0,30}§[tu]\d+§"),
    (
        "dock",
        3.4,
        r"\bwhich (?:one |of \w+ |molecule |compound |drug |ligand )?(?:would |should |will )?(?:bind|fit|inhibit|"
        r"dock)s?\b",
    ),
    ("find_pockets", 2.6, r"\b(?:which|what) (?:\w+ )?sites\b.*§[fthpn]\d+§|\bbe drugged\b"),
    (
        "predict_reaction",
        2.8,
        (
            r"\bwhat (?:would|will|do|does|could|might) (?:you|i|we|one|they) (?:get|obtain|form|make|end up "
            r"with)\b.*§[mh]|"
            r"§[mh]\d+§ (?:and|with|\+) §[mh]\d+§ (?:are|is|were|get) (?:heated|mixed|combined|stirred|reacted|"
            r"treated|refluxed)"
        ),
    ),
    *KNOWLEDGE_CUES,
)
