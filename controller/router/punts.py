"""Punted packets: what each reason asks for."""
