/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork(2) with a mark: while the child borrows this thread's memory, start_vfork_child is not
 * zero, and every hook passes its calls on. Counted, for a child that vforks again. In assembly
 * because the child returns first, over the frame of whoever calls the kernel: the return address
 * must be in a register meanwhile.
 */
	.text
	.globl vfork
	.type vfork, @function
	.globl __vfork
	.set __vfork, vfork
vfork:
	.cfi_startproc
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	call start_before_vfork
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rdi
	movq start_vfork_child@gottpoff(%rip), %rsi
	incl %fs:(%rsi)
	movl $58, %eax		/* SYS_vfork */
	syscall
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rip, -8
	testl %eax, %eax
	je 1f			/* the child keeps the mark */
	decl %fs:(%rsi)
	cmpq $-4095, %rax
	jae 2f
1:	ret
2:	negl %eax
	pushq %rax
	.cfi_adjust_cfa_offset 8
	call __errno_location@PLT
	popq %rcx
	.cfi_adjust_cfa_offset -8
	movl %ecx, (%rax)
	movq $-1, %rax
	ret
	.cfi_endproc
	.size vfork, .-vfork
	.section .note.GNU-stack, "", @progbits
