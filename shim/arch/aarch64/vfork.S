/* SPDX-License-Identifier: Apache-2.0 */
/* See ../x86_64/vfork.S. Here the return address is in a register anyway. */
	.text
	.globl vfork
	.type vfork, %function
	.globl __vfork
	.set __vfork, vfork
vfork:
	.cfi_startproc
	stp x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	bl start_before_vfork
	ldp x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	mrs x9, tpidr_el0
	adrp x10, :gottprel:start_vfork_child
	ldr x10, [x10, #:gottprel_lo12:start_vfork_child]
	ldr w11, [x9, x10]
	add w11, w11, #1
	str w11, [x9, x10]
	mov x0, #0x4111		/* CLONE_VM | CLONE_VFORK | SIGCHLD */
	mov x1, #0
	mov x2, #0
	mov x3, #0
	mov x4, #0
	mov x8, #220		/* SYS_clone */
	svc #0
	cbz x0, 1f		/* the child keeps the mark */
	ldr w11, [x9, x10]
	sub w11, w11, #1
	str w11, [x9, x10]
	cmn x0, #4095
	b.cs 2f
1:	ret
2:	neg w0, w0
	stp x0, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	bl __errno_location
	ldp x1, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	str w1, [x0]
	mov x0, #-1
	ret
	.cfi_endproc
	.size vfork, .-vfork
	.section .note.GNU-stack, "", %progbits
