"""What the events add up to: one module per question, each a pure fold over the clear part of the entries."""
