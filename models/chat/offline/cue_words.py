"""Words that cues are made of: alternatives of one kind, as parts of patterns over normalised text with places."""

from __future__ import annotations

CREATE = (
    r"(?:design|generate|make|create|propose|suggest|invent|find|discover|come up with|develop|"
    r"build|give|need|want|get|produce|look for|search for|identify|draw up|sample|looking for|"
    r"write|draft|construct|explore|prepare|show|imagine|would like|like)(?:s|ing|ed)?"
)
MAKE = (
    r"(?:design|generate|make|create|propose|suggest|invent|come up with|build|give|need|want|get|"
    r"produce|sample|write|show|draw|would like)(?:s|ing|ed)?"
)
BINDERS = (
    r"(?:ligands?|inhibitors?|binders?|antagonists?|agonists?|blockers?|modulators?|drug "
    r"candidates?|degraders?|activators?|hits|leads?(?!-))"
)
COMPOUNDS = (
    r"(?:molecules?|compounds?|drugs?|structures?|candidates?|chemical matter|chemotypes?|"
    r"scaffolds?|fragments?|analog(?:ue)?s?|something|mols?|smiles|small molecules?|derivatives?|chemicals?)"
)
PROPERTY = (
    r"(?:properties|property|descriptors?|phys-?chem\w*|physico-?chemical|log ?p|"
    r"lipophilicity|polarity|flexibility|clogp|qed|mw|tpsa|psa|mol(?:ecular)? ?(?:weight|"
    r"wt|mass)|weight|mass|drug-?like(?:ness)?|lipinski|ro5|rule of (?:five|5)|pains|alerts|"
    r"solubility|logs|sa score|synthetic accessibility|rotatable bonds|heavy atoms|fsp3|polar "
    r"surface(?: area)?|fingerprint|formula|inchi(?:key)?|¦)"
)
MOLECULE = (
    r"(?:§[mh]\d+§|it|this|that|them|these|those|the (?:molecule|compound|ligand|drug|best|first|"
    r"second|third|fourth|fifth|last|hit|lead|one|design|top|winner|runner-up|1st|2nd|3rd)\b(?: \w+)?|"
    r"my (?:molecule|compound|hit|"
    r"lead|ligand))"
)
LIGHTER = (
    r"(?:soluble|lipophilic|hydrophobic|hydrophilic|polar|greasy|druglike|drug-like|drug like|"
    r"rigid|flexible|light(?:er)?|heavy|heavier|small(?:er)?|big(?:ger)?|larger?|potent|stable|"
    r"permeable|water.soluble|synthesi[sz]able|accessible|complex|simpler|simple|fatty|toxic|"
    r"easily made)"
)
PROTEIN = r"(?:§[pn]\d+§|proteins?|enzymes?|gfp|sequence|peptide|§h\d+§|it|this|lysozyme|antigen|mutants?|luciferase)"
