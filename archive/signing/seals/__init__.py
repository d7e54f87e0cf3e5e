"""The company's seals: the register of seals, their use on papers, and where they are."""
