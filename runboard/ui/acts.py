"""What a person does to runs: asked first, done in a thread, and told; the runs are those the question named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from signal import SIGKILL, SIGTERM, Signals
from typing import TYPE_CHECKING, Protocol, TypeVar

from textual.screen import ModalScreen

from runboard.board import Board
from runboard.columns import reason_text, size_text, status_word
from runboard.control import AtRisk, Control, ControlError
from runboard.model import Run, Status
from runboard.store import NoSuchRun
from runboard.ui.asked import ASKED, meanwhile, name_of
from runboard.ui.bin import Bin
from runboard.ui.deeds import PATIENCE, TOLD, Deed, Work, one_by_one, together
from runboard.ui.fitting import NONE, misfit, sentence
from runboard.verdict import ENDING_SIGNALS

if TYPE_CHECKING:
    from runboard.draft import Draft

T = TypeVar("T")
KNOWN = 2000
"""Among so many runs earlier commands are looked for."""

How = Callable[[Sequence[str], Callable[[str], str]], Iterator[Deed]]
"""Goes through runs and does something to each."""


class Ask(Protocol):
    """Puts a question and waits for its answer."""

    async def __call__(self, question: ModalScreen[T]) -> T | None:
        """The answer; None where the question was taken away."""


class Acts:
    """Each act from its question to the sentences that tell what came of it."""

    def __init__(
        self,
        control: Control,
        board: Board,
        ask: Ask,
        tell: Callable[[str, bool], None],
        changed: Callable[[], None],
        *,
        key: Callable[[str], str],
    ) -> None:
        """Act through ``control``.

        Args:
            control: What can be done.
            board: How the runs stand.
            ask: Puts a question.
            tell: Tells a sentence, and whether it is an error.
            changed: Called when an act has begun or ended.
            key: The key that something has now, by its id.
        """
        self._control = control
        self._board = board
        self._ask = ask
        self._tell = tell
        self._changed = changed
        self._key = key
        self.stopping: set[str] = set()
        self.ended: set[str] = set()  # by us: what came of it we tell ourselves
        self._bin = Bin(control, lambda: key("run.undo"))

    def possible(self, act: str, runs: Sequence[Run]) -> bool:
        """Whether an act makes sense for one of these runs as it stands."""
        if act in {"undo", "new"}:
            return act == "new" or self._bin.undoable
        return any(not misfit(act, run, self.stopping) for run in runs)

    def refusal(self, act: str, runs: Sequence[Run]) -> str:
        """Why an act makes no sense for any of these runs, in a sentence."""
        return NONE if act == "undo" else sentence(runs, [misfit(act, run, self.stopping) for run in runs])

    async def do(self, act: str, chosen: Sequence[Run]) -> None:
        """Do what a key asks for to those of the chosen runs for which it makes sense."""
        runs = tuple(run for run in chosen if not misfit(act, run, self.stopping))
        if act == "undo":
            await self.undo()
        elif act == "new":
            await self.new(chosen)
        elif runs:
            await {
                "stop": self.stop,
                "kill": self.kill,
                "signal": self.signal,
                "pause": self.pause,
                "continue": self.resume,
                "mark": self.mark,
                "tag": self.tag,
                "trash": self.trash,
                "rerun": self.rerun,
            }[act](runs)

    # Processes.

    async def stop(self, runs: Sequence[Run]) -> None:
        """Ask whole process trees to end."""
        if await self._agreed("stop", runs, "SIGTERM to {its} whole process tree; after 5 s, SIGKILL."):
            await self._end(runs, SIGTERM, "Stopping")

    async def kill(self, runs: Sequence[Run]) -> None:
        """End whole process trees by force."""
        if await self._agreed("kill", runs, "SIGKILL to {its} whole process tree, at once."):
            await self._end(runs, SIGKILL, "Killing")

    async def signal(self, runs: Sequence[Run]) -> None:
        """Send a signal that somebody picks; one that ends what does not expect it only after a question."""
        from runboard.signalling import HARMLESS  # noqa: PLC0415 - it loads when it is first wanted
        from runboard.ui.signals import SignalPicker  # noqa: PLC0415 - likewise

        picked = await self._ask(SignalPicker(runs))
        if picked is None:
            return
        signal, leader = picked
        whom = "{its} command only, once" if leader else "{its} whole process tree"
        grave = signal not in HARMLESS
        after = "; after 5 s, SIGKILL" if signal in ENDING_SIGNALS and not leader and signal != SIGKILL else ""
        if grave and not await self._agreed("signal", runs, f"{signal.name} to {whom}{after}."):
            return

        def send(run_id: str) -> str:
            """Send it to one."""
            return f"was sent {signal.name}: {status_word(self._control.kill(run_id, signal, leader=leader))}"

        if signal in ENDING_SIGNALS and not leader:
            await self._end(runs, signal, f"Sending {signal.name}")
        else:
            await self._work([run for run in runs if self._still_active(run)], send, f"Sending {signal.name}")

    async def _end(self, runs: Sequence[Run], signal: Signals, doing: str) -> None:
        """Signal those that have not ended meanwhile; all of them are shown as stopping."""
        live = [run for run in runs if self._still_active(run)]
        ids = {run.id for run in live}
        self.stopping |= ids
        self.ended |= ids
        self._changed()
        try:
            await self._work(live, lambda run_id: status_word(self._control.kill(run_id, signal)), doing, together)
        finally:
            self.stopping -= ids
            self._changed()

    def _still_active(self, run: Run) -> bool:
        """Whether a run has not ended while its question was open; if it has, that is told."""
        now = self._board.get(run.id)
        if now is not None and now.active:
            return True
        self._tell(meanwhile(run, now), False)
        return False

    async def pause(self, runs: Sequence[Run]) -> None:
        """Stop whole process trees where they stand; nothing is lost by it, so one run is not asked about."""
        if len(runs) == 1 or await self._agreed("pause", runs, "p lets them go on; their time limits go on meanwhile."):
            await self._work(runs, lambda run_id: status_word(self._control.pause(run_id)), "Pausing")

    async def resume(self, runs: Sequence[Run]) -> None:
        """Let paused trees go on."""
        if len(runs) == 1 or await self._agreed("continue", runs, "Every stopped process goes on."):
            await self._work(runs, lambda run_id: status_word(self._control.resume(run_id)), "Continuing")

    # Words.

    async def mark(self, runs: Sequence[Run]) -> None:
        """Have finished runs counted as a person says."""
        from runboard.ui.wording import MarkForm  # noqa: PLC0415 - forms load when the first is wanted

        answer = await self._ask(MarkForm(runs))
        if answer is not None:
            status, why = answer
            await self._work(runs, lambda run_id: status_word(self._control.mark(run_id, status, why)), "Marking")

    async def tag(self, runs: Sequence[Run]) -> None:
        """Edit tags and, of a single run, its note."""
        from runboard.ui.wording import WordsForm  # noqa: PLC0415 - see above

        words = await self._ask(WordsForm(runs))
        if words is None:
            return

        def edit(run_id: str) -> str:
            """Write what was changed."""
            if words.add or words.remove:
                self._control.tag(run_id, add=words.add, remove=words.remove)
            if words.note is not None:
                self._control.note(run_id, words.note)
            return "says so now"

        await self._work(runs, edit, "Tagging")

    # Whole runs.

    async def trash(self, runs: Sequence[Run]) -> None:
        """Move finished runs to the trash."""
        sizes = [run.size for run in runs if run.size is not None]
        known = f" They take {size_text(sum(sizes))} in all." if len(sizes) == len(runs) > 1 else ""
        if await self._agreed("trash", runs, f"{self._key('run.undo')} brings {{it}} back." + known):
            with self._bin.throwing():
                deeds = await self._work(runs, self._bin.throw, "Moving to the trash", self._bin.throw_all)
                self._bin.note(deeds)
            kept = {deed.run_id: deed.error for deed in deeds if isinstance(deed.error, AtRisk)}
            held = [run for run in runs if run.id in kept]
            if held and await self._agreed("force", held, self._bin.at_stake(kept)):
                with self._bin.throwing():
                    self._bin.note(await self._work(held, self._bin.throw_all_the_same, "Moving to the trash"))
            self._changed()

    async def undo(self) -> None:
        """Bring back what was thrown away last, all of it; what cannot be brought back now can be tried again."""
        run_ids = await self._bin.last()
        deeds = await self._work([Run(run_id) for run_id in run_ids], self._bin.bring_back, "Bringing back")
        done = {deed.run_id for deed in deeds if deed.error is None or isinstance(deed.error, NoSuchRun)}
        if left := tuple(run_id for run_id in run_ids if run_id not in done):
            self._bin.thrown.append(left)
        self._changed()

    async def new(self, chosen: Sequence[Run]) -> None:
        """Start a run that somebody types in; it begins in the directory of the chosen one."""
        from runboard.draft import Draft, troubles  # noqa: PLC0415 - see above
        from runboard.ui.newrun import NewRun, earlier  # noqa: PLC0415 - see above

        known = (self._board.get(self._board.at(spot)) for spot in range(min(KNOWN, len(self._board))))
        directory = (chosen[0].cwd if len(chosen) == 1 else None) or Draft("").directory
        draft = await self._ask(NewRun(troubles, directory, earlier(run for run in known if run is not None)))
        if draft is None:
            return
        try:
            run = await asyncio.to_thread(self._start, draft)
        except TOLD as error:
            self._tell(str(error), True)
        else:
            self._tell(f"{name_of(run)}: {status_word(run)}", run.status is Status.FAILED)

    def _start(self, draft: Draft) -> Run:
        """Start a run as it was typed and found good."""
        return self._control.start(
            draft.command,
            name=draft.name.strip() or None,
            tags=draft.labels,
            timeout=draft.limit,
            cwd=draft.directory,
            model=draft.model.strip() or None,
            repo=draft.repo.strip() or None,
        )

    async def rerun(self, runs: Sequence[Run]) -> None:
        """Start the same commands again."""
        where = f"In {runs[0].cwd}." if runs[0].cwd else "In its own directory."
        if await self._agreed("rerun", runs, where if len(runs) == 1 else "Each in its own directory."):
            await self._work(runs, self._run_again, "Starting again")

    def _run_again(self, run_id: str) -> str:
        """Start one again, and say which run it is now."""
        new = self._control.rerun(run_id)
        if new.status is Status.FAILED:
            raise ControlError(f"{name_of(new)}: {status_word(new)}  {reason_text(new)}")
        return f"runs again as {new.id}: {status_word(new)}"

    # Asking, doing, telling.

    async def _agreed(self, act: str, runs: Sequence[Run], consequence: str) -> bool:
        """Ask whether to do something to these runs."""
        from runboard.ui.confirm import Confirm  # noqa: PLC0415 - it loads with the first question

        one, many, yes = ASKED[act]
        single = len(runs) == 1
        it, its = ("it", "its") if single else ("them", "their")
        question = Confirm(
            one if single else many.format(len(runs)), runs, consequence.format(it=it, its=its), yes.format(it=it)
        )
        agreed = await self._ask(question)
        return agreed is True

    async def _work(
        self, runs: Sequence[Run], act: Callable[[str], str], doing: str, how: How = one_by_one
    ) -> list[Deed]:
        """Do something to each of these runs, by their ids; what takes long shows how far it is, and can be ended."""
        if not runs:
            return []
        work = Work(how([run.id for run in runs], act), len(runs), doing)
        task = asyncio.ensure_future(work.run())
        if len(runs) > 1:
            await asyncio.wait({task}, timeout=PATIENCE)
            if not task.done():
                from runboard.ui.working import Working  # noqa: PLC0415 - it loads when it is first wanted

                await self._ask(Working(work))
        await task
        await self._report(work, {run.id: name_of(run) for run in runs})
        return work.done

    async def _report(self, work: Work, names: dict[str, str]) -> None:
        """Tell what came of it: of one run in a sentence, of many in a list where something went wrong."""
        failed = sum(deed.error is not None for deed in work.done)
        if work.count == 1:
            for deed in work.done:
                between = " " if deed.text[:1].isalpha() else ": "
                done = deed.error is None
                self._tell(f"{names[deed.run_id]}{between}{deed.text}" if done else deed.text, not done)
            return
        left = work.count - len(work.done)
        parts = [f"{len(work.done) - failed} of {work.count} runs done"]
        parts += [f"{failed} not"] if failed else []
        parts += [f"{left} left when you stopped it"] if left else []
        sentence = f"{work.doing}: {', '.join(parts)}"
        if failed:
            from runboard.ui.working import Report  # noqa: PLC0415 - it loads when it is first wanted

            await self._ask(Report(sentence, work.done))
        else:
            self._tell(sentence, False)
