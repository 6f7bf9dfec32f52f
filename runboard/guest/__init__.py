"""A board for guests: locked in by the kernel, and reached over SSH by a key that opens nothing else."""

from __future__ import annotations

from runboard.guest.invitation import BadKey, invitation
from runboard.guest.lock import Lock, Unlockable, lock, purge
from runboard.guest.offers import Offer, offers

__all__ = ["BadKey", "Lock", "Offer", "Unlockable", "invitation", "lock", "offers", "purge"]
