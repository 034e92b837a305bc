"""The SMILES symbols that are one token each: everything outside brackets, and the bracket atoms that are
frequent.

BRACKET_ATOMS are those seen at least 20 times among 1.03 million bracket atoms of the training data (99.9 %
of them: ZINC250k, bioactive and screening compounds, PDB ligands, USPTO training reactions, MOF nodes and
linkers), most frequent first. A bracket atom not listed is split into its characters.
"""

PLAIN_SYMBOLS: tuple[str, ...] = (
    *("B", "Br", "C", "Cl", "F", "I", "N", "O", "P", "S", "b", "c", "n", "o", "p", "s", "*"),
    *("-", "=", "#", "$", ":", "/", "\\", ".", "(", ")", "~", "->", "<-"),
    *"0123456789",
    *(f"%{number}" for number in range(10, 30)),
    *("[", "]", "@", "@@", "+", "%"),
    *"ADEGHJKLMQRTUVWXYZadefghijklmqrtuvwxyz",
)

BRACKET_ATOMS: tuple[str, ...] = tuple(
    """
    [C@H] [C@@H] [O-] [nH] [N+] [NH+] [C@] [NH2+] [O] [C@@] [Si] [Zn] [C] [NH3+] [N] [N-] [Cu] [nH+]
    [CH2] [OH2] [CH] [OH] [n+] [P@@] [P@] [c] [Co] [Cd] [H] [Zr] [Ag] [Mg] [S@] [S@@] [CH3] [Sn] [Al]
    [Br] [Cl] [Mn] [Ni] [S] [OH-] [S-] [C-] [Fe] [Li] [Mo] [Eu] [I] [NH4+] [n] [Tb] [P+] [In] [Gd] [W]
    [U] [Se] [Dy] [B-] [n-] [SiH] [La] [Ce] [Na] [Nd] [Mg+] [K] [V] [SiH2] [I-] [Er] [Sm] [BH3-] [Hf]
    [F] [Pr] [PH] [Cr] [S+] [O+] [Zn+] [Re] [Yb] [Ho] [BH-] [Br-] [Y] [Ca] [SH] [I+3] [se] [Cl-] [Ru]
    [3H] [Ba] [F-] [Ti] [Ga] [Sr] [Th] [Sc] [P] [Sb] [Tm] [NH2] [SeH] [Pb] [NH] [Bi] [Cs] [Np] [N@H+]
    [Te] [cH] [NH-] [2H] [Au] [N@+] [Pt] [As] [Cl+] [NH3] [BH] [c-] [Lu] [N@@H+] [Hg] [SiH3] [Si@H]
    [SnH] [P@H] [P-] [o+] [S@+] [B] [Ge] [Pd] [Rb] [S-2] [SH-] [PH2] [S@@+] [P@@H] [Be] [Fe@SP2] [OH3]
    [OH4]
    """.split()  # noqa: SIM905 - a table reads better in columns than as 149 quoted lines
)
