"""Cues of requests about what is known and what runs: literature, earlier results, campaigns, explanations.

As in `cues`, which joins them to its own."""

from __future__ import annotations

PAPERS = (
    r"(?:papers?|literature|publications?|pubmed|arxiv|biorxiv|chemrxiv|chembl papers|journals?|"
    r"studies|refs|openalex|crossref|europe ?pmc|scientific articles?|articles?|preprints?|textbooks?|"
    r"sources)"
)
KNOWLEDGE_CUES: tuple[tuple[str, float, str], ...] = (
    (
        "search_literature",
        3.9,
        (
            rf"\b{PAPERS}\b|\bdoi\b|\bcit(?:e|ations?|ing)\b|\breferences? (?:for|on|about)\b|"
            r"\bread(?:ing)? up\b|\bwhat is known\b|\bevidence (?:that|of|on)\b|\bwhat's known\b|\bwhats known\b|"
            r"\bwhat do we "
            r"know\b|\baccording to\b|\breviews? (?:of|on|about)\b|\bstate of the art\b|"
            r"\bpublished\b|\bwhat has been (?:reported|published|written)|\bwho (?:discovered|"
            r"invented|reported|published)\b|\breported\b|\bknown (?:inhibitors|ligands|binders|"
            r"drugs)|\bmy (?:pdfs?|documents?|library)\b|\buploaded (?:pdfs?|documents?)"
        ),
    ),
    (
        "search_literature",
        1.6,
        (
            r"\bresistance\b|\bmechanism of\b|\bhow does §[mtnu]\d+§ work\b|\bside effects?\b|"
            r"\bclinical\b|\bevidence\b|\bwhat (?:is|are) the (?:role|function|hinge|gatekeeper)\b|"
            r"\bwhy is §[tu]\d+§ (?:important|a target)|\bwhat does §[tnu]\d+§ do\b|\bwhat is "
            r"§[tu]\d+§|\btell me (?:\w+ )?about (?:the )?§[tun]\d+§|\bexplain (?:what|how|the "
            r"(?:mechanism|role|biology))\b"
        ),
    ),
    (
        "search_results",
        4.2,
        (
            r"\bhave (?:we|you|i)\b.{0,20}\b(?:seen|tried|made|done|docked|tested|found|looked|run|"
            r"designed|come across|had)\b|\bdid (?:we|you|i)\b|\bour (?:own )?(?:results|runs|data|"
            r"designs|records|history|findings|campaigns|database|molecules|ledger|previous|past|"
            r"earlier|old)\b|\b(?:previous|earlier|past|old|prior) (?:\w+ )?(?:results?|runs?|"
            r"designs?|campaigns?|molecules?|compounds?|hits?|candidates?|attempts?|work|dockings?|findings|"
            r"ligands|data|"
            r"experiments?)\b|\bwhat (?:have|did) (?:we|you)\b|\bwe (?:already |ever |once "
            r")?(?:tried|made|docked|found|tested|ran)\b|\bwe (?:already|ever|once) ha(?:ve|d)\b|"
            r"\blast (?:time|week|month)\b|"
            r"\brecall\b|\bin (?:the |our )?(?:memory|database|ledger|records)\b|\b(?:the |our |my "
            r"|all )results (?:for|on|of|with|about)\b|\bsearch (?:the |our |my |all )*results\b|"
            r"\bseen (?:something|anything|this|these|it|§)|\bbefore\?|\bso far (?:for|against|on|"
            r"in)\b|\bwas .* (?:tried|tested|docked) (?:before|already)|\balready (?:seen|tried|"
            r"docked|made|tested|have)\b|\bresults (?:for|on) §[tmu]"
        ),
    ),
    (
        "start_campaign",
        3.8,
        (
            r"\b(?:start|run|launch|kick off|begin|set up|setup|execute|do|create|fire up|trigger|"
            r"new|make|submit|queue|go for|open|another|want|need|plan)\w*\b.{0,30}\b(?:campaigns?|"
            r"discovery (?:run|loop|cycle)|design loop|yaml)\b|§k\d+§|^(?:a )?campaign (?:on|for|"
            r"against|with|to)\b|\bdiscovery (?:run|loop) (?:on|for|against)\b|"
            r"\bcampaign\b.{0,20}\bstarten\b"
        ),
    ),
    ("start_campaign", 3.0, r"\bcampaign\b.*§[tuf]\d+§|§[tuf]\d+§ campaign\b"),
    ("start_campaign", 3.4, r"\b(?:start|run|launch|kick off|execute|use|submit)\w*\b.{0,20}§y\d+§"),
    (
        "run_status",
        3.4,
        (
            r"\bstatus\b|\bprogress\b|\bwhere (?:are we|do we stand)\b|\bhow (?:far|is it going|is it coming|"
            r"are we doing)\b|"
            r"\bhow(?:'s|s| is| are| did) (?:the |my |our |that |this )?(?:run|campaign|job|design|"
            r"search|docking|it|loop|things|everything)s? ?(?:going|doing|coming|getting|"
            r"progressing|run)?\b|\b(?:is|are|has|have) (?:(?:it|they|that|this|the|my|our|everything|runs?|"
            r"campaigns?|jobs?|designs?|dockings?|search|all|already|still) )+(?:done|finished|ready|running|over|"
            r"completed?|through|converged|crashed)\b|\b(?:finished|"
            r"done|ready) (?:yet|already)\b|\bstill running\b|\beta\b|\bany (?:news|progress)\b|"
            r"\bupdate (?:on|me)\b|\bhow long\b.{0,20}\b(?:left|remain|take|until|more)\b|"
            r"\bremaining\b|\bwhat(?:'s| is|s) (?:running|happening)\b|\bwhat happened to (?:the|"
            r"my) (?:run|campaign|job)\b|\bis .* (?:finished|running)\b|\b(?:show|list) (?:my |the "
            r"|all )*runs\b"
        ),
    ),
    (
        "explain_candidate",
        3.9,
        (
            r"\bwhy\b.{0,45}\b(?:fail|reject|rank|score|drop|lost|lose|filter|bad|poor|good|best|"
            r"better|worse|worst|chosen|selected|first|last|win|won|remov|exclud|discard|thrown|"
            r"not pass|pass|eliminat|top|low|high|kick|out|pick|prefer|favou?r|kept|keep|survive|recommend)\w*\b|"
            r"\bwhat(?:'s| is|s| was| went) "
            r"wrong with\b|\bwhat (?:happened|went wrong) (?:to|with) (?:§h|the|candidate|number|"
            r"it)|\bexplain (?:me )?(?:the |this |that |candidate |number |why )*(?:§[hm]\d+§|"
            r"candidate|score|rank|result of|first|second|third|fourth|last|best|top|one|it|"
            r"molecule|design)|\breasons? (?:for|why)\b|\bhow come\b|\bjustify\b|\bwalk me through\b|"
            r"\bwhat (?:speaks|argues|counts) (?:for|against|in favou?r of)\b|"
            r"\b(?:rationale|reasoning|logic) (?:for|behind|of)\b|"
            r"\bon what (?:grounds|basis)\b|\b(?:grounds|basis) (?:for|of) (?:the |its )?(?:rank|reject|score|verdict)|"
            r"\b(?:ranked|scored|rejected|placed) so\b|"
            r"\bpros and cons\b|\bstrengths and weaknesses\b|\bwhat makes (?:§h\d+§|it|this|that|the|number)\b|"
            r"\b(?:case|arguments?|evidence) (?:for|against) (?:§h\d+§|number|candidate|design|it\b)"
        ),
    ),
    (
        "search_literature",
        4.6,
        (
            r"^(?:what (?:is|are)|what's|whats|define|explain what|how (?:does|do)|what does) "
            r"(?:an? |the )?(?:(?!(?:its?|this|his|theirs?|hers?|my|ours?|yours?|that|these|those)\b)\w+[ -])?"
            r"(?:kinases?|proteins?|pockets?|enzymes?|receptors?|"
            r"ligands?|antibod(?:y|ies)|mofs?|docking|log ?p|qed|tpsa|pains|lipinski|rule of five|"
            r"mutations?|hinge|gatekeeper|allostery|inhibitors?|retrosynthesis|cdrs?|vina|sa score|"
            r"affinity|bioisosteres?|pharmacophores?|scaffolds?)(?: (?:is|are|work|works|mean|"
            r"means|do|stand for|called|actually))*\W*$"
        ),
    ),
    ("search_results", 3.9, r"^(?:all |our |my |the |past |old )*results?\W*$|\bso far\b|\bour best\b"),
    ("run_status", 2.2, r"§i\d+§|\b(?:is|are|has|how is|how's) (?:the |my )?(?:run|campaign|job) §"),
)
