# SPDX-License-Identifier: MIT
# Greenlets in gdb, of a live process and of a core file alike:
#
#   (gdb) source tools/gdb/grove.py
#   (gdb) grove ps          all greenlets and actors of all hubs
#   (gdb) grove bt 5        the back trace of number 5; of hub 2: grove bt 2:5
#   (gdb) grove bt all      of all that are suspended
#
# (A core file that gdb itself wrote, by gcore, may lack parts: it gives up at the guards of stacks.
# The kernel's do not.)
#
# It reads grove_debug_table (hub/src/debug_table.hpp) and raw memory: no type information is
# needed, only the symbols. Nothing in the process is changed or called: an unwinder tells gdb that
# the caller of the innermost frame is where the greenlet stands.

import struct

import gdb
import gdb.unwinder

VERSION = 1


def read(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def read_u64(address):
    return struct.unpack("<Q", read(address, 8))[0]


def read_u32(address):
    return struct.unpack("<I", read(address, 4))[0]


def read_u16(address):
    return struct.unpack("<H", read(address, 2))[0]


def read_text(address, size=None):
    """Zero-terminated, if no size is given."""
    if size is not None:
        return read(address, size).decode("utf-8", "replace")
    text = b""
    while len(text) < 256:
        byte = read(address + len(text), 1)
        if byte == b"\0":
            break
        text += byte
    return text.decode("utf-8", "replace")


class Table:
    """grove_debug_table."""

    NAMES = (
        "version", "inline_switch",
        "context", "sp", "ops", "extras", "id", "flags",
        "waits_for", "usable", "kind", "current", "current_context", "name",
        "slab_size", "slab_base", "slab_slot", "slab_used",
        "live", "parked", "finished",
        "hubs_size",
    )

    def __init__(self):
        try:
            address = int(gdb.parse_and_eval("(unsigned long) &grove_debug_table"))
        except gdb.error:
            raise gdb.GdbError("grove: this program has no symbol grove_debug_table")
        for i, name in enumerate(self.NAMES):
            setattr(self, name, read_u32(address + 4 * i))
        if self.version != VERSION:
            raise gdb.GdbError("grove: the program's table has version %d, this script %d"
                               % (self.version, VERSION))
        at = (address + 4 * len(self.NAMES) + 7) & ~7
        self.hubs = []
        for index in range(self.hubs_size):
            state, main, slabs, thread = struct.unpack("<QQQQ", read(at + 32 * index, 32))
            if state != 0:
                self.hubs.append(Hub(self, index, state, main, slabs, read_u32(thread)))


class Hub:
    def __init__(self, table, index, state, main, slabs, thread):
        self.table, self.index, self.state, self.main, self.slabs, self.thread = \
            table, index, state, main, slabs, thread
        self.current = read_u64(state + table.current)
        self.current_context = read_u64(state + table.current_context)

    def living(self):
        """Main, then all that have not ended, by id."""
        if self.thread == 0:
            return []  # it has shut down
        table = self.table
        main = Greenlet(self, self.main)
        found = []
        begin, end = read_u64(self.slabs), read_u64(self.slabs + 8)
        for slab in range(begin, end, table.slab_size):
            base = read_u64(slab + table.slab_base)
            slot = read_u64(slab + table.slab_slot)
            for address in range(base, base + read_u64(slab + table.slab_used), slot):
                flags = read_u16(address + table.flags)
                if flags & table.live and not flags & table.finished:
                    found.append(Greenlet(self, address))
        return ([main] if main.flags & table.live else []) + sorted(found, key=lambda g: g.id)


class Greenlet:
    def __init__(self, hub, address):
        self.hub, self.address = hub, address
        table = hub.table
        self.id = read_u32(address + table.id)
        self.flags = read_u16(address + table.flags)
        self.context = read_u64(address + table.context)
        self.kind = read_text(read_u64(read_u64(address + table.ops) + table.kind))

    @property
    def name(self):
        extras = read_u64(self.address + self.hub.table.extras)
        if extras != 0:
            text, size = struct.unpack("<QQ", read(extras + self.hub.table.name, 16))
            if size != 0:
                return read_text(text, size)
        return self.kind if self.id == 0 else "%s-%d" % (self.kind, self.id)

    @property
    def running(self):
        return self.hub.current == self.address and self.context == 0

    @property
    def on_thread(self):
        """Its stack is the one that the hub's thread is on: it runs, or hosts the event loop."""
        return self.running or self.context == self.hub.current_context

    @property
    def state(self):
        if self.flags & self.hub.table.parked and self.context != 0:
            return "waits in " + read_text(read_u64(self.context + self.hub.table.waits_for))
        if self.running:
            return "is running"
        return "is runnable" if self.context != 0 else "has no stack"

    @property
    def registers(self):
        """Of where it left its stack."""
        sp = read_u64(self.address + self.hub.table.sp)
        if self.hub.table.inline_switch:
            # [address][rbx][rbp][128 bytes]; at the address: pop rbx, pop rbp, lea 128(rsp),rsp; in
            # functions without a red zone neither the bytes nor the lea. Behind these the frame is
            # as its function knows it.
            rip, rbx, rbp = struct.unpack("<QQQ", read(sp, 24))
            back = bytes.fromhex("5b5d488da42480000000")
            if read(rip, len(back)) == back:
                return {"rip": rip + len(back), "rsp": sp + 24 + 128, "rbx": rbx, "rbp": rbp}
            if read(rip, 2) == back[:2]:
                return {"rip": rip + 2, "rsp": sp + 24, "rbx": rbx, "rbp": rbp}
            return {"rip": rip, "rsp": sp + 8, "rbx": rbx, "rbp": rbp}
        # jump_fcontext: 16 bytes, then these.
        r12, r13, r14, r15, rbx, rbp, rip = struct.unpack("<7Q", read(sp + 16, 56))
        return {"rip": rip, "rsp": sp + 72, "rbx": rbx, "rbp": rbp,
                "r12": r12, "r13": r13, "r14": r14, "r15": r15}


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class ParkedUnwinder(gdb.unwinder.Unwinder):
    """While `registers` is set, they are those of the caller of the innermost frame."""

    def __init__(self):
        super().__init__("grove")
        self.registers = None
        self.innermost = None

    def __call__(self, frame):
        if self.registers is None:
            return None
        sp = int(frame.read_register("rsp"))
        pc = int(frame.read_register("rip"))
        if (sp, pc) != self.innermost:
            return None
        word = gdb.lookup_type("unsigned long")
        # gdb wants callers at higher addresses: the innermost frame pretends to be just below.
        below = gdb.Value(self.registers["rsp"] - 256).cast(word)
        info = frame.create_unwind_info(FrameId(below, frame.read_register("rip")))
        for name, value in self.registers.items():
            if name == "rip":
                value += 1  # gdb looks at the byte before: where a call would be
            old = frame.read_register(name)
            info.add_saved_register(name, gdb.Value(value).cast(word).cast(old.type))
        return info


UNWINDER = ParkedUnwinder()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


def describe_frame(number, frame, pc):
    name = frame.name() or "??"
    text = "#%-2d 0x%016x in %s" % (number, pc, name if "(" in name else name + " ()")
    place = frame.find_sal()
    if place is not None and place.symtab is not None:
        return "%s at %s:%d" % (text, place.symtab.filename, place.line)
    library = gdb.solib_name(pc)
    return text if library is None else "%s from %s" % (text, library)


def walk(frame, first):
    lines = []
    while frame is not None and len(lines) < 200:
        pc = frame.pc() - (first if not lines else 0)
        lines.append(describe_frame(len(lines), frame, pc))
        frame = frame.older()
    return lines


def back_trace_of_thread(number):
    before = gdb.selected_thread()
    try:
        for thread in gdb.selected_inferior().threads():
            if thread.ptid[1] == number:
                thread.switch()
                return walk(gdb.newest_frame(), 0)
    finally:
        before.switch()
    return ["(there is no thread %d)" % number]


def back_trace(greenlet):
    if greenlet.on_thread:
        return back_trace_of_thread(greenlet.hub.thread)
    if greenlet.context == 0:
        return []
    innermost = gdb.newest_frame()
    UNWINDER.innermost = (int(innermost.read_register("rsp")), innermost.pc())
    UNWINDER.registers = greenlet.registers
    gdb.invalidate_cached_frames()
    try:
        return walk(gdb.newest_frame().older(), 1)  # less what the unwinder has added
    finally:
        UNWINDER.registers = None
        gdb.invalidate_cached_frames()


class GroveCommand(gdb.Command):
    """Greenlets: grove ps, grove bt ID|all."""

    def __init__(self):
        super().__init__("grove", gdb.COMMAND_STACK, prefix=True)


class GrovePs(gdb.Command):
    """All greenlets and actors of all hubs: hub, id, name, kind, state."""

    def __init__(self):
        super().__init__("grove ps", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        table = Table()
        gdb.write("%-4s%-8s%-24s%-10s%s\n" % ("hub", "id", "name", "kind", "state"))
        for hub in table.hubs:
            for one in hub.living():
                gdb.write("%-4d%-8d%-24s%-10s%s\n"
                          % (hub.index, one.id, one.name, one.kind, one.state))


class GroveBt(gdb.Command):
    """The back trace of a suspended greenlet: grove bt ID, grove bt HUB:ID, grove bt all."""

    def __init__(self):
        super().__init__("grove bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        argument = argument.strip()
        if not argument:
            raise gdb.GdbError("grove: whose? grove bt ID, grove bt HUB:ID or grove bt all")
        table = Table()
        wanted = None
        if argument != "all":
            try:
                hub, number = ("0:" + argument).split(":")[-2:]
                wanted = (int(hub), int(number))
            except ValueError:
                raise gdb.GdbError("grove: '%s' is no number of a greenlet" % argument)
        shown = 0
        for hub in table.hubs:
            for one in hub.living():
                if wanted is not None and wanted != (hub.index, one.id):
                    continue
                shown += 1
                gdb.write("%d:%d %s %s\n" % (hub.index, one.id, one.name, one.state))
                for line in back_trace(one):
                    gdb.write("    %s\n" % line)
        if wanted is not None and shown == 0:
            raise gdb.GdbError("grove: hub %d has no greenlet %d" % wanted)


GroveCommand()
GrovePs()
GroveBt()
