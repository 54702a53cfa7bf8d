"""Upgrades with data: ledgers that earlier programs left are brought to this one."""
