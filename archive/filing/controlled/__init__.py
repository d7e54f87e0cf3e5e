"""Controlled copies (受控文件) of valid papers: issued, recalled, accounted for."""
